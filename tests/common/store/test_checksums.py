"""FLEET_S3_CHECKSUM: what is sent along with an object, for stores that refuse one or the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from common.errors import StoreError
from common.settings import S3Settings
from common.store import open_store
from common.store.proof import prove
from tests.servers.seaweed import Seaweed
from tests.servers.small_s3 import Refusal, Rule, SmallS3, small_s3
from tests.web.certificates import Authority

BODY = b"x" * 100_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    with small_s3() as server:
        yield _known(server, monkeypatch)


@pytest.fixture
def encrypted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    """Over TLS the SDK sends checksums behind the body, in aws-chunked framing."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.folder / "root.pem"))
    with small_s3(authority.server("127.0.0.1")) as server:
        yield _known(server, monkeypatch)


def _known(server: SmallS3, monkeypatch: pytest.MonkeyPatch) -> SmallS3:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def settings(server: SmallS3 | Seaweed, checksum: str | None = None) -> S3Settings:
    chosen = {} if checksum is None else {"checksum": checksum}
    return S3Settings.model_validate({"endpoint_url": server.endpoint_url, **chosen})


@pytest.mark.parametrize("checksum", ["sha256", "crc32", "none"])
def test_each_is_accepted_by_a_real_store(s3_environment: Seaweed, tmp_path: Path, checksum: str) -> None:
    bucket = s3_environment.bucket(f"checksum-{checksum}")
    store = open_store(f"s3://{bucket}/run", settings(s3_environment, checksum))
    prove(store)
    assert store.create("a", BODY)
    file = tmp_path / "b"
    file.write_bytes(BODY)
    assert store.create_file("b", file)
    assert store.read("a") == store.read("b") == BODY


@pytest.mark.parametrize(
    ("checksum", "sent"), [(None, "sha256"), ("sha256", "sha256"), ("crc32", "crc32"), ("none", None)]
)
def test_a_plain_write_carries_it_in_a_header(plain: SmallS3, checksum: str | None, sent: str | None) -> None:
    seen: list[str] = []

    def note(request: web.Request) -> None:
        seen.extend(name.lower() for name in request.headers if name.lower().startswith("x-amz-checksum"))

    plain.rule = note
    open_store("s3://bucket/run", settings(plain, checksum)).create("a", BODY)
    assert seen == ([f"x-amz-checksum-{sent}"] if sent else [])


def _no_trailers(code: str) -> Rule:
    def rule(request: web.Request) -> Refusal | None:
        framed = "STREAMING" in request.headers.get("x-amz-content-sha256", "")
        return Refusal(code) if framed else None

    return rule


def _only(checksum: str) -> Rule:
    def rule(request: web.Request) -> Refusal | None:
        asked = request.headers.get("x-amz-sdk-checksum-algorithm", checksum).lower()
        return None if asked == checksum else Refusal("NotImplemented", f"x-amz-checksum-{asked}")

    return rule


@pytest.mark.parametrize("code", ["XAmzContentSHA256Mismatch", "MissingContentLength"])
def test_a_store_without_trailers_is_named_the_setting_and_works_with_it(
    encrypted: SmallS3, code: str
) -> None:
    encrypted.rule = _no_trailers(code)
    for checksum in ("sha256", "crc32"):
        with pytest.raises(StoreError, match=rf"checksum.*{code}.*FLEET_S3_CHECKSUM"):
            prove(open_store("s3://bucket/run", settings(encrypted, checksum)))
    store = open_store("s3://bucket/run", settings(encrypted, "none"))
    prove(store)
    assert store.create("a", BODY)
    assert store.read("a") == BODY


def test_a_store_with_one_checksum_only(plain: SmallS3) -> None:
    plain.rule = _only("crc32")
    with pytest.raises(StoreError, match=r"NotImplemented.*FLEET_S3_CHECKSUM"):
        prove(open_store("s3://bucket/run", settings(plain)))
    for checksum in ("crc32", "none"):
        prove(open_store("s3://bucket/run", settings(plain, checksum)))


def test_a_store_that_keeps_the_framing_fails_at_read_back(encrypted: SmallS3) -> None:
    encrypted.keeps_framing = True
    with pytest.raises(StoreError, match=r"read-back.*FLEET_S3_CHECKSUM=none"):
        prove(open_store("s3://bucket/run", settings(encrypted)))
    assert encrypted.objects == {}
    prove(open_store("s3://bucket/run", settings(encrypted, "none")))
