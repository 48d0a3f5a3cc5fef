"""The users of docs/brokers.md on a test's broker."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.valkey import Valkey

PAGE = Path(__file__).parents[2] / "docs" / "brokers.md"
SUPERUSER = "default"


@contextmanager
def documented_users(broker: Valkey) -> Iterator[Mapping[str, str]]:
    """Exactly the users of the page while the block runs: the broker's address for each."""
    client, rules = broker.client(), _rules()
    for user, words in rules.items():
        client.execute_command("ACL", "SETUSER", user, "reset", *words)
    client.execute_command("ACL", "LOG", "RESET")
    try:
        yield {user: broker.url.replace("//", f"//{user}:{user.upper()}@") for user in rules}
    finally:
        client.execute_command("ACL", "DELUSER", *rules)


def denials(broker: Valkey) -> list[str]:
    """What the broker denied to anybody."""
    entries = broker.client().acl_log()
    return [f"{entry['username']}: {entry['reason']} {entry['object']}" for entry in entries]


def _rules() -> dict[str, list[str]]:
    lines = [line.split() for line in PAGE.read_text().splitlines() if line.startswith("user ")]
    return {words[1]: words[2:] for words in lines if words[1] != SUPERUSER}
