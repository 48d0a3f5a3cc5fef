"""A certificate authority and its certificates, made on the spot with OpenSSL."""

import shutil
import ssl
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


@dataclass(frozen=True)
class Authority:
    """A root that only the tests trust."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "Authority":
        authority = cls(folder)
        authority._openssl(f"req -x509 {_KEY} -keyout root.key -out root.pem -subj /CN=root -days 2")
        return authority

    def client(self) -> ssl.SSLContext:
        """What a fetcher needs to trust this root."""
        return ssl.create_default_context(cafile=self.folder / "root.pem")

    def server(self, name: str, *, days: int = 2) -> ssl.SSLContext:
        """A server whose certificate is for `name` (DNS:... or IP:..., or several with commas between).

        With negative days it has expired.
        """
        stem = f"{zlib.crc32(name.encode())}{days}"
        (self.folder / f"{stem}.ext").write_text(f"subjectAltName={name}\nbasicConstraints=CA:FALSE\n")
        self._openssl(f"req -new {_KEY} -keyout {stem}.key -out {stem}.csr -subj /CN=test")
        self._openssl(
            f"x509 -req -in {stem}.csr -CA root.pem -CAkey root.key -CAcreateserial -days {days} "
            f"-extfile {stem}.ext -out {stem}.pem"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        return context

    def _openssl(self, arguments: str) -> None:
        openssl = shutil.which("openssl")
        assert openssl, "the tests of TLS need the openssl command"
        subprocess.run([openssl, *arguments.split()], cwd=self.folder, check=True, capture_output=True)
