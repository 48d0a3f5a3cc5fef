"""One web of pictures, one run over it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dataset.gallery.scenes import Web, image_web
from tests.dataset.survey.world import coco_json, make_run

OPEN = {
    "FLEET_FETCH_ALLOW_NETWORKS": "127.0.0.1/32",
    "FLEET_FETCH_RETRIES": "0",
    "FLEET_FETCH_PER_HOST": "16",
}


@dataclass(frozen=True)
class World:
    web: Web
    run: str
    human: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with image_web() as web:
        yield World(web, make_run(folder / "run", web), coco_json(folder / "captions.json", web))
