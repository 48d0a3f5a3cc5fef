"""Signed requests: Web Bot Auth (draft-ietf-webbotauth-httpsig-protocol-01) on RFC 9421."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, PreparedSignature
from http_message_signatures.algorithms import ED25519
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from common.url import WebUrl
from workers.fetch.errors import SignatureKeyError

LABEL = "sig1"
TAG = "web-bot-auth"
VALID = timedelta(minutes=5)
COMPONENTS = ('"@authority"', f'"signature-agent";key="{LABEL}"')
NONCE_BYTES = 64


class _Request:
    """What of a request is signed."""

    method = "GET"

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url, self.headers = url, headers


class RequestSigner:
    """Signs requests.

    Args:
        key: private.
        agent: the site that publishes its public half.
    """

    def __init__(self, key: Ed25519PrivateKey, agent: str) -> None:
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519)
        self._key, self._name = key, thumbprint(key.public_key())
        self._agent = f'{LABEL}="{agent}"'

    def sign(self, url: WebUrl) -> dict[str, str]:
        """The headers that a request for a URL has more; none where its authority cannot be signed."""
        request = _Request(f"{url.scheme}://{url.authority}/", {"Signature-Agent": self._agent})
        try:
            prepared = self._prepare(request)
        except HTTPMessageSignaturesException:
            return {}
        signature = base64.b64encode(self._key.sign(prepared.signature_base)).decode()
        return {
            **request.headers,
            "Signature-Input": f"{LABEL}={prepared.signature_params}",
            "Signature": f"{LABEL}=:{signature}:",
        }

    def _prepare(self, request: _Request) -> PreparedSignature:
        now = datetime.now(UTC)
        return self._signer.prepare(
            request,
            key_id=self._name,
            created=now,
            expires=now + VALID,
            nonce=base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode(),
            label=LABEL,
            tag=TAG,
            covered_component_ids=COMPONENTS,
        )


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises:
        SignatureKeyError: there is none.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise SignatureKeyError(
            f"{path}: {error.strerror or error}; FLEET_MANNERS_KEY names a file of this machine"
        ) from error
    except (ValueError, TypeError) as error:
        raise SignatureKeyError(_no_key(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureKeyError(_no_key(path))
    return key


def _no_key(path: Path) -> str:
    return f"{path}: no Ed25519 private key in PEM; `openssl genpkey -algorithm ed25519 -out FILE` makes one"


def thumbprint(key: Ed25519PublicKey) -> str:
    """The name of a key: RFC 7638, RFC 8037."""
    members = json.dumps(public_members(key), sort_keys=True, separators=(",", ":"))
    return _encode(hashlib.sha256(members.encode()).digest())


def public_members(key: Ed25519PublicKey) -> dict[str, str]:
    """The members of the key as a JWK (RFC 8037) that tell it from others."""
    return {"kty": "OKP", "crv": "Ed25519", "x": _encode(key.public_bytes_raw())}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
