"""The broker's address: spelled alike for Celery and for redis-py, and shown without its password."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from common.errors import FleetError

NAME = "FLEET_BROKER_URL"
NETWORK = frozenset({"redis", "rediss"})
SOCKET = "redis+socket"
CERT_REQS = {"CERT_REQUIRED": "required", "CERT_OPTIONAL": "optional", "CERT_NONE": "none"}
"""Celery's spelling of redis-py's words."""

EXPECTED = "redis://[:PASSWORD@]HOST[:PORT][/DATABASE][?ssl_cert_reqs=...]"

OPTIONS = frozenset(
    {"ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "virtual_host"}
)


class BrokerError(FleetError):
    """The broker cannot be reached or refuses."""

    label = "BrokerError"


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """An address that Celery and redis-py both understand.

    Args:
        celery: as Celery takes it.
        redis: as redis-py takes it.
        shown: for a person, without the password.
    """

    celery: str
    redis: str
    shown: str


def parse_broker_url(url: str) -> BrokerUrl:
    """Check an address once, so that nothing that can never work is waited for.

    Raises:
        BrokerError: it is not `redis://`, `rediss://` or `redis+socket://` with one host, a number of a
            database and known options.
    """
    shown = _hide_password(url)
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        (_require_network if parts.scheme in NETWORK else _require_socket)(parts)
    except ValueError as error:
        raise BrokerError(f"{NAME}: {shown}: {error}; expected {EXPECTED}") from error
    unknown = sorted(options.keys() - OPTIONS)
    if unknown:
        raise BrokerError(f"{NAME}: {shown}: no such option {unknown[0]}; expected {EXPECTED}")
    options = {name: CERT_REQS.get(value, value) for name, value in options.items()}
    if options.get("ssl_cert_reqs", "none") not in CERT_REQS.values():
        raise BrokerError(f"{NAME}: {shown}: ssl_cert_reqs is one of {', '.join(CERT_REQS.values())}")
    address = url.partition("?")[0]
    return BrokerUrl(_with(address, options), _for_redis(address, options), shown)


def _with(address: str, options: Mapping[str, str]) -> str:
    return f"{address}?{urlencode(options, safe='/')}" if options else address


def _require_network(parts: SplitResult) -> None:
    if parts.fragment or parts.netloc.count("@") > 1:
        raise ValueError("percent-encode #, / and @ in the password")
    if "," in parts.netloc or ";" in parts.netloc:
        raise ValueError("one host, please: clusters and sentinels are not supported")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port is no number; percent-encode #, / and @ in the password") from None
    if not parts.hostname:
        raise ValueError("the host is missing")
    database = parts.path.strip("/")
    if database and not database.isdecimal():
        raise ValueError(f"the database {database!r} is no number")


def _require_socket(parts: SplitResult) -> None:
    if parts.scheme != SOCKET:
        raise ValueError(f"{parts.scheme or 'no scheme'}: neither redis, rediss nor {SOCKET}")
    if not parts.path.startswith("/"):
        raise ValueError("a socket is an absolute path")


def _for_redis(address: str, options: Mapping[str, str]) -> str:
    scheme, _, rest = address.partition("://")
    if scheme != SOCKET:
        return _with(address, options)
    database = options.get("virtual_host")
    return _with(f"unix://{rest}", {"db": database} if database else {})


def _hide_password(url: str) -> str:
    """The address without its user information: all between the scheme and the last @, by no parser."""
    scheme, separator, rest = url.partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{'**@' if at else ''}{host if at else rest}"
