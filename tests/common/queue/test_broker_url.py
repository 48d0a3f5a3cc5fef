"""The broker's address: what both libraries understand, and lines without a password."""

import pytest

from common.queue.broker_url import BrokerError, parse_broker_url

GOOD = {
    "redis://127.0.0.1:6379/0": "redis://127.0.0.1:6379/0",
    "redis://[::1]:6379/0": "redis://[::1]:6379/0",
    "redis://:p%23w@host/2": "redis://:p%23w@host/2",
    "rediss://host:1/0?ssl_cert_reqs=CERT_NONE": "rediss://host:1/0?ssl_cert_reqs=none",
    "rediss://host:1/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem": (
        "rediss://host:1/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem"
    ),
    "redis+socket:///tmp/a.sock": "unix:///tmp/a.sock",
    "redis+socket:///tmp/a.sock?virtual_host=3": "unix:///tmp/a.sock?db=3",
}

BAD = {
    "redis://:geheim#1@host:1/0": "percent-encode",
    "redis://:gehe/im@host:1/0": "percent-encode",
    "redis://user:gehe@im@host/0": "percent-encode",
    "redis://one:1,two:2/0": "one host",
    "redis://one:1;redis://two:2": "one host",
    "redis://host/abc": "'abc' is no number",
    "redis://host?db=3": "no such option db",
    "redis://host:99999/0": "port",
    "redis://": "host is missing",
    "rediss://host/0?ssl_cert_reqs=CERT_MAYBE": "ssl_cert_reqs is one of",
    "sentinel://host": "neither redis",
    "localhost:6379": "neither redis",
    "": "neither redis",
}


@pytest.mark.parametrize("url", GOOD)
def test_both_libraries_get_what_they_understand(url: str) -> None:
    assert parse_broker_url(url).redis == GOOD[url]


@pytest.mark.parametrize("url", BAD)
def test_what_can_never_work_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(BrokerError, match=BAD[url]) as raised:
        parse_broker_url(url)
    line = str(raised.value)
    assert "\n" not in line
    assert "FLEET_BROKER_URL" in line
    assert "gehe" not in line


def test_the_password_is_never_shown() -> None:
    assert parse_broker_url("redis://me:geheim@host:1/0").shown == "redis://**@host:1/0"
