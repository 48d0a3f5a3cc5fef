"""A certificate authority and its certificates, made on the spot."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """A root that only the tests trust; its certificate lies in the folder, for other processes."""

    folder: Path
    root: trustme.CA

    @classmethod
    def create(cls, folder: Path) -> "Authority":
        authority = cls(folder, trustme.CA())
        authority.root.cert_pem.write_to_path(str(folder / "root.pem"))
        return authority

    def client(self) -> ssl.SSLContext:
        return trusting(self.folder)

    def server(self, name: str, *, days: int = 2) -> ssl.SSLContext:
        """A server whose certificate is for `name`, a host name or an address.

        With negative days it has expired.
        """
        now = datetime.now(UTC)
        certificate = self.root.issue_cert(
            name, not_before=now - timedelta(days=10), not_after=now + timedelta(days=days)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


def trusting(folder: Path) -> ssl.SSLContext:
    """What a fetcher needs to trust the authority of that folder."""
    return ssl.create_default_context(cafile=folder / "root.pem")
