"""What is wrong from the start is one line at the start; a broker that is away is waited for."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from common.errors import FleetError
from common.settings import HealthSettings, MetricsSettings, S3Settings, Settings
from tests.fleet.conftest import worker
from tests.servers.seaweed import Seaweed
from tests.servers.valkey import Valkey
from workers.process.health_step import _empty
from workers.process.metrics_server import serve_metrics
from workers.process.startup import require_infrastructure

PASSWORD = "open-sesame"


@pytest.fixture
def locked(broker: Valkey) -> Iterator[Valkey]:
    """A broker that wants a password."""
    client = broker.client()
    client.config_set("requirepass", PASSWORD)
    yield broker
    redis.Redis(port=broker.port, password=PASSWORD).config_set("requirepass", "")


def settings(broker: Valkey, folder: Path, **changes: object) -> Settings:
    return Settings.model_validate(
        {"broker_url": broker.url, "output": str(folder / "out"), "models": "toy", **changes}
    )


def test_all_is_well(broker: Valkey, tmp_path: Path) -> None:
    require_infrastructure(settings(broker, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_no_output(broker: Valkey, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="FLEET_OUTPUT is not set"):
        require_infrastructure(settings(broker, tmp_path, output=None))


@pytest.mark.parametrize("given", ["", ":wrong@"])
def test_wrong_password(locked: Valkey, tmp_path: Path, given: str) -> None:
    url = locked.url.replace("//", f"//{given}")
    with pytest.raises(FleetError, match="correct the user and the password") as error:
        require_infrastructure(settings(locked, tmp_path, broker_url=url))
    assert "wrong@" not in str(error.value)


def test_right_password(locked: Valkey, tmp_path: Path) -> None:
    require_infrastructure(settings(locked, tmp_path, broker_url=locked.url.replace("//", f"//:{PASSWORD}@")))


def test_a_broker_that_is_away_is_waited_for(broker: Valkey, tmp_path: Path) -> None:
    require_infrastructure(settings(broker, tmp_path, broker_url="redis://127.0.0.1:1/0"))


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", "toy/none"])
def test_missing_model(broker: Valkey, tmp_path: Path, name: str) -> None:
    with pytest.raises(FleetError, match=f"{name}: no such"):
        require_infrastructure(settings(broker, tmp_path, selector=name))


def test_hub_model_that_is_not_in_the_cache(
    broker: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FleetError, match="owner/model: neither a local folder nor available"):
        require_infrastructure(settings(broker, tmp_path, selector="owner/model"))


def test_missing_lock(broker: Valkey, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"lock\.json: No such file or directory; run python -m"):
        require_infrastructure(settings(broker, tmp_path, models_lock=str(tmp_path / "lock.json")))


def test_output_that_may_not_be_written(broker: Valkey, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"/proc/run: .*; FLEET_OUTPUT must be a folder"):
        require_infrastructure(settings(broker, tmp_path, output="/proc/run"))


def test_output_that_is_no_folder(broker: Valkey, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FleetError, match=r"Not a directory; FLEET_OUTPUT must be a folder"):
        require_infrastructure(settings(broker, tmp_path, output=str(tmp_path / "file" / "out")))


def test_bucket_that_is_not_there(broker: Valkey, tmp_path: Path, s3_environment: Seaweed) -> None:
    at = S3Settings(endpoint_url=s3_environment.endpoint_url)
    with pytest.raises(FleetError, match="there is no such bucket"):
        require_infrastructure(settings(broker, tmp_path, output="s3://nowhere/run", s3=at))


def test_bucket_that_may_not_be_written(
    broker: Valkey, tmp_path: Path, s3_environment: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3_environment.bucket("closed")
    at = S3Settings(endpoint_url=s3_environment.endpoint_url)
    require_infrastructure(settings(broker, tmp_path, output=f"s3://{bucket}/run", s3=at))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(FleetError, match="S3 refused the credentials"):
        require_infrastructure(settings(broker, tmp_path, output=f"s3://{bucket}/run", s3=at))


def test_metrics_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(FleetError, match=f"127.0.0.1:{port}: .* choose another port"):
            serve_metrics(MetricsSettings(port=port), HealthSettings())


def test_health_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = HealthSettings(folder=str(tmp_path / "file")).folder
    with pytest.raises(FleetError, match="FLEET_HEALTH_FOLDER"):
        _empty(Path(folder or ""))


def test_the_worker_says_so_in_one_line_and_ends(locked: Valkey, tmp_path: Path) -> None:
    environment = {
        "FLEET_BROKER_URL": locked.url.replace("//", "//:wrong@"),
        "FLEET_OUTPUT": str(tmp_path / "out"),
        "FLEET_MODELS": "fake",
    }
    with worker(environment, tmp_path / "log") as process:
        assert process.wait(60) == 2
    lines = [
        line for line in (tmp_path / "log").read_text().splitlines() if line.startswith(("error", "Trace"))
    ]
    assert len(lines) == 1
    assert "correct the user and the password" in lines[0]
