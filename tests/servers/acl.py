"""The users of docs/brokers.md on a test's broker."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.servers.valkey import Valkey

PAGE = Path(__file__).parents[2] / "docs" / "brokers.md"
SUPERUSER = "default"


@contextmanager
def documented_users(broker: Valkey) -> Iterator[Mapping[str, str]]:
    """Exactly the users of the page while the block runs: the broker's address for each."""
    client, rules = broker.client(), _rules()
    for user, words in rules.items():
        set_user(client, user, *words)
    client.acl_log_reset()
    try:
        yield {user: broker.url.replace("//", f"//{user}:{user.upper()}@") for user in rules}
    finally:
        client.acl_deluser(*rules)


def set_user(client: redis.Redis, name: str, *rules: str) -> None:
    """A user with just these rules."""
    client.execute_command("ACL", "SETUSER", name, "reset", *rules)  # type: ignore[no-untyped-call]


def denials(broker: Valkey) -> list[str]:
    """What the broker denied to anybody."""
    entries = broker.client().acl_log()
    return [f"{entry['username']}: {entry['reason']} {entry['object']}" for entry in entries]


def _rules() -> dict[str, list[str]]:
    lines = [line.split() for line in PAGE.read_text().splitlines() if line.startswith("user ")]
    return {words[1]: words[2:] for words in lines if words[1] != SUPERUSER}
