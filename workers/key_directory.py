"""The key that signs requests, for the sites: `python -m workers.key_directory KEY.pem`.

Prints the set of keys that the agent's site publishes under `/.well-known/http-message-signatures-directory`,
with the type `application/http-message-signatures-directory+json`.
"""

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from common.console.cli import fail
from common.errors import FleetError
from workers.fetch.errors import SignatureKeyError
from workers.fetch.signature import public_members, read_key, thumbprint


def key_directory(key: Ed25519PublicKey) -> str:
    """The set of keys that the agent's site publishes, as JSON."""
    one = {**public_members(key), "kid": thumbprint(key), "alg": "EdDSA", "use": "sig"}
    return json.dumps({"keys": [one]}, indent=1)


def main(arguments: list[str]) -> int:
    """Entry point; returns the exit code."""
    if len(arguments) != 1:
        return fail(FleetError("name one file with a private key: python -m workers.key_directory KEY.pem"))
    try:
        sys.stdout.write(key_directory(read_key(Path(arguments[0])).public_key()) + "\n")
    except SignatureKeyError as error:
        return fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
