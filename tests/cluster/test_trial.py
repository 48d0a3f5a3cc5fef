"""The trial that containers and clusters share: its overlay, its site, and one line without a cluster."""

import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from tests.cluster.pictures import Site
from tests.cluster.trial import SITE, Trial, write_trial
from tests.k8s.render import Manifest, render

TRIAL = Trial(batches=3, rows_of_a_batch=5, components=("monitoring",))


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trial(TRIAL, tmp_path_factory.mktemp("trial"))


@pytest.fixture(scope="module")
def objects(overlay: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(render(overlay)))


def find(objects: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def test_every_row_points_to_the_site(overlay: Path, objects: list[Manifest]) -> None:
    parts = sorted(overlay.glob("*.parquet"))
    assert [path.name for path in parts] == list(find(objects, "ConfigMap", "parts")["binaryData"])
    urls = [url for part in parts for url in pq.read_table(part)["URL"].to_pylist()]
    assert len(urls) == len(set(urls)) == TRIAL.rows == 15
    assert sum(url.startswith(f"{SITE}/gone/") for url in urls) == TRIAL.dead_links == 2
    port = find(objects, "Service", "pictures")["spec"]["ports"][0]["port"]
    assert f"http://pictures:{port}" == SITE


def test_workers_may_fetch_from_it(objects: list[Manifest]) -> None:
    config = find(objects, "ConfigMap", "fleet")["data"]
    assert config["FLEET_MODELS"] == "toy"
    assert config["FLEET_FETCH_ALLOW_NETWORKS"] == TRIAL.networks
    labels = find(objects, "Deployment", "worker")["spec"]["template"]["metadata"]["labels"]
    client = find(objects, "NetworkPolicy", "pictures-clients")["spec"]["podSelector"]["matchLabels"]
    assert client.items() <= labels.items()


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_site_shows_the_same_image_again(site: str) -> None:
    first, again = (urllib.request.urlopen(f"{site}/7.jpg").read() for _ in range(2))
    assert first == again
    with Image.open(BytesIO(first)) as image:
        assert image.size == (96, 96)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{site}/gone/7")


def test_without_a_cluster_it_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{apiVersion: v1, kind: Config, clusters: [], contexts: []}")
    answer = subprocess.run(
        [sys.executable, "-m", "tests.cluster"],
        env={"KUBECONFIG": str(tmp_path / "config"), "PATH": "", "HOME": str(tmp_path)},
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert answer.stderr.startswith("make cluster-test: no cluster answers")
    assert len(answer.stderr.splitlines()) == 1
