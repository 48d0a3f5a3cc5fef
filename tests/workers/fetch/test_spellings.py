"""Sixty thousand spellings of addresses: none that is not public is ever connected."""

import random
from collections import Counter
from ipaddress import IPv4Address, IPv6Address

from common.url import parse_url
from tests.web.vectors import ADDRESSES
from workers.fetch.address import is_public, parse_address
from workers.fetch.guard import Guard

COUNT = 60_000
GUARD = Guard()
PRIVATE = (
    (0x7F000000, 8), (0x0A000000, 8), (0xA9FE0000, 16), (0xC0A80000, 16), (0xAC100000, 12), (0x64400000, 10),
    (0xA83F8110, 32), (0, 8), (0xE0000000, 4), (0xF0000000, 4),
)  # fmt: skip
"""Networks, as their first address and the length of their prefix."""


def octet(value: int, dice: random.Random) -> str:
    return dice.choice([str(value), hex(value), f"0{value:o}", f"0X{value:X}", f"0x{value:010x}"])


def spell_ipv4(value: int, dice: random.Random) -> str:
    """One to four numbers in any base (WHATWG URL, section 3.5); wide digits, escapes."""
    count = dice.randrange(1, 5)
    parts = [value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255]
    last = value & (1 << 8 * (5 - count)) - 1 if count > 1 else value
    host = ".".join([octet(part, dice) for part in parts[: count - 1]] + [octet(last, dice)])
    match dice.randrange(6):
        case 0:
            return host.replace(".", "\u3002")
        case 1:
            return "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in host)
        case 2:
            at = dice.randrange(len(host))
            return f"{host[:at]}%{ord(host[at]):02x}{host[at + 1 :]}"
        case 3:
            return f"{host}."
    return host


def spell_ipv6(value: int, dice: random.Random) -> str:
    """Ways to write or to hide an IPv4 address in an IPv6 one, long and short."""
    hidden = dice.choice([0xFFFF << 32, 0, 0xFFFF << 48, 0x64FF9B << 96]) | value
    form = IPv6Address(
        dice.choice([hidden, 0x2002 << 112 | value << 80, 0x20010000 << 96 | value ^ 0xFFFFFFFF])
    )
    return f"[{dice.choice([form.compressed, form.exploded, form.exploded.upper()])}]"


def judge(host: str) -> str:
    """What becomes of a link to that host."""
    try:
        found = parse_url(f"http://{host}/").host.strip("[]")
    except ValueError:
        return "no URL"
    if parse_address(found) is None:
        return "a name"
    return "connected" if GUARD.allows(found, 80) else "blocked"


def test_no_spelling_of_a_private_address_is_connected() -> None:
    dice, seen = random.Random(0), Counter[str]()
    for _ in range(COUNT):
        network, bits = dice.choice(PRIVATE)
        value = network | dice.getrandbits(32) & (1 << 32 - bits) - 1
        host = (spell_ipv6 if dice.random() < 0.3 else spell_ipv4)(value, dice)
        verdict = judge(host)
        assert verdict in {"blocked", "no URL"}, (host, str(IPv4Address(value)), verdict)
        seen[verdict] += 1
    assert seen["blocked"] > COUNT * 0.7


def test_public_addresses_are_connected_however_they_are_written() -> None:
    dice, seen = random.Random(1), Counter[str]()
    for _ in range(5_000):
        value = dice.getrandbits(32)
        if is_public(IPv4Address(value)):
            seen[judge(spell_ipv4(value, dice))] += 1
    assert seen["connected"] > 0.7 * seen.total()
    assert seen["blocked"] == seen["a name"] == 0


def test_a_judge_that_lets_all_pass_would_be_found() -> None:
    assert GUARD.allows("1.1.1.1", 80)
    assert not any(GUARD.allows(address, 80) for address in ADDRESSES)
