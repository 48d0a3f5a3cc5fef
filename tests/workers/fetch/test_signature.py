"""Signed requests, checked by a verifier of the tests' own: RFC 9421, sections 2.5 and 3.2."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import http_sf
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from common.settings import MannersSettings
from common.url import parse_url
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch.errors import SignatureKeyError
from workers.fetch.signature import RequestSigner, thumbprint
from workers.fetch.signer import open_signer
from workers.key_directory import key_directory, main

AGENT = "https://crawler.example"
RFC_KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="))
RFC_HEADERS = {
    "date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "content-type": "application/json",
    "content-length": "18",
    "signature-input": (
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    ),
    "signature": (
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    ),
}
"""The example of RFC 9421, B.2.6, and of its key, B.1.4."""


def verify(headers: Mapping[str, str], derived: Mapping[str, str], key: Ed25519PublicKey) -> dict[str, Any]:
    """The parameters of the one signature, which is right; InvalidSignature where it is not."""
    fields = {name.lower(): value for name, value in headers.items()}
    inputs: Any = http_sf.parse(fields["signature-input"].encode(), tltype="dictionary")
    signatures: Any = http_sf.parse(fields["signature"].encode(), tltype="dictionary")
    [(label, (components, parameters))] = inputs.items()
    lines = []
    for name, options in components:
        value = derived[name] if name.startswith("@") else fields[name]
        if "key" in options:
            member: Any = http_sf.parse(value.encode(), tltype="dictionary")
            value = http_sf.ser(member[options["key"]])
        lines.append(f"{http_sf.ser((name, options))}: {value}")
    written = fields["signature-input"].partition("=")[2]
    lines.append(f'"@signature-params": {written}')
    key.verify(signatures[label][0], "\n".join(lines).encode())
    return {**parameters, "label": label, "components": [name for name, _ in components]}


def test_the_verifier_knows_the_rfcs_own_signature() -> None:
    derived = {"@method": "POST", "@path": "/foo", "@authority": "example.com"}
    assert verify(RFC_HEADERS, derived, RFC_KEY)["keyid"] == "test-key-ed25519"
    with pytest.raises(InvalidSignature):
        verify(RFC_HEADERS, {**derived, "@authority": "example.net"}, RFC_KEY)


def test_the_name_of_a_key_is_its_thumbprint() -> None:
    assert thumbprint(RFC_KEY) == "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
    [published] = json.loads(key_directory(RFC_KEY))["keys"]
    assert published["x"] == "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
    assert "d" not in published


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://Example.org/a%zz?b=%", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("http://example.org:8080/x", "example.org:8080"),
        ("http://[2001:db8::1]:81/", "[2001:db8::1]:81"),
    ],
)
def test_a_signature_is_of_the_authority(url: str, authority: str, key: Ed25519PrivateKey) -> None:
    headers = RequestSigner(key, AGENT).sign(parse_url(url))
    said = verify(headers, {"@authority": authority}, key.public_key())
    assert said["tag"] == "web-bot-auth"
    assert said["keyid"] == thumbprint(key.public_key())
    assert said["components"] == ["@authority", "signature-agent"]
    assert abs(said["created"] - time.time()) < 60
    assert 0 < said["expires"] - said["created"] <= 24 * 3600
    assert len(base64.b64decode(said["nonce"])) == 64
    assert headers["Signature-Agent"] == f'sig1="{AGENT}"'
    with pytest.raises(InvalidSignature):
        verify(headers, {"@authority": "example.net"}, key.public_key())


def write_key(folder: Path, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    path = folder / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def read_head(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


async def test_every_request_is_signed_anew(
    fetching: Fetching, tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    """robots.txt, tdmrep.json, the image, and what it redirects to: each with a nonce of its own."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        path = head.split()[1].decode()
        pages = {"/a": redirect("/b"), "/b": reply(b"x")}
        writer.write(pages.get(path, reply(status="404 X")))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    authority = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    signed = {"key": str(write_key(tmp_path, key)), "agent": AGENT, "signs": ("all",)}
    async with server, fetching(**signed) as fetcher:
        assert (await fetcher.fetch(f"http://{authority}/a")).body == b"x"
    said = [verify(read_head(head), {"@authority": authority}, key.public_key()) for head in heads]
    assert [head.split()[1] for head in heads] == [
        b"/robots.txt", b"/.well-known/tdmrep.json", b"/a", b"/b",
    ]  # fmt: skip
    assert len({one["nonce"] for one in said}) == 4
    async with serve({"/a": reply(b"x")}) as web, fetching() as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).body == b"x"


def test_a_key_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    other = write_key(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "text").write_text("no key")
    for path, line in [
        (other, "no Ed25519 private key"),
        (tmp_path / "text", "no Ed25519 private key"),
        (tmp_path / "missing", "No such file"),
    ]:
        with pytest.raises(SignatureKeyError, match=line):
            open_signer(MannersSettings(key=str(path), agent=AGENT))
    assert open_signer(MannersSettings()) is None


@pytest.mark.parametrize(
    "wrong",
    [{"key": "k.pem"}, {"agent": AGENT}, {"key": "k.pem", "agent": "http://crawler.example"},
     {"key": "k.pem", "agent": 'https://a.example", x="'}],
)  # fmt: skip
def test_settings_that_do_not_fit(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MannersSettings.model_validate(wrong)


def test_the_directory_is_printed(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    command = (sys.executable, "-m", "workers.key_directory", write_key(tmp_path, key))
    out = subprocess.run(command, check=True, capture_output=True).stdout
    assert json.loads(out)["keys"][0]["kid"] == thumbprint(key.public_key())


def test_a_key_that_is_missing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
