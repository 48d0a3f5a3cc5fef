"""Takes the pictures of the gallery that the docs show: `python -m tests.dataset.gallery.screenshots`."""

import argparse
import tempfile
from pathlib import Path

from PIL import Image

from common.settings import S3Settings
from common.store import open_store
from dataset.gallery.page import render_page
from dataset.rows.row_source import open_rows
from dataset.rows.sample import draw
from tests.dataset.browser import browser
from tests.dataset.gallery.scenes import Scene, Web, image_web
from tests.dataset.synthetic import RunShape, write_manifest, write_shard

ROWS = 400
WINDOWS = {"phone": (390, 844, True, 2.0), "desktop": (1280, 900, False, 1.0)}
"""Width, height, dark, scale."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, image_web() as web:
        page = write_gallery(Path(place), web)
        for name in WINDOWS:
            take(page, folder / f"gallery-{name}.png", name)


def write_gallery(folder: Path, web: Web) -> Path:
    """A run over the pictures of `web`, and its gallery."""
    store = open_store(str(folder / "run"), S3Settings())
    shape = RunShape(parts=1, part_rows=ROWS, batch_rows=ROWS)
    write_manifest(store, shape)
    (batch,) = shape.batches()
    write_shard(store, shape, batch, [Scene(number).row(web.address) for number in range(ROWS)])
    sample = draw(open_rows(store.uri, None, S3Settings()), 24, seed=7)
    page = folder / "gallery.html"
    page.write_text(render_page(sample, "Random samples", with_failures=False), "utf-8")
    return page


def take(page: Path, target: Path, window: str) -> None:
    width, height, dark, scale = WINDOWS[window]
    with browser(width, height, dark=dark, scale=scale) as context:
        tab = context.new_page()
        tab.goto(page.as_uri())
        tab.wait_for_load_state("networkidle")
        tab.screenshot(path=target)
    Image.open(target).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(target, optimize=True)


if __name__ == "__main__":
    main()
