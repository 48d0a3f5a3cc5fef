"""Writes the inputs of this folder anew: `python -m tests.archives.make --help`.

img2dataset 1.47 and webdataset pin old packages: each is run in an environment of its own. The images are
scenes of the toy world, served on loopback by a proxy that knows one host, `images.example`.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Final

import datasets  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from workers.toy.drawing import UNSEEN, draw_scenes

HERE = Path(__file__).parent
ROWS = 60
HOST = "http://images.example"
KINDS: Final = ("JPEG", "PNG", "WEBP", "JPEG")
WEBDATASET: Final = """
import json, sys, webdataset
rows = json.load(open(sys.argv[1]))
with webdataset.TarWriter(sys.argv[2]) as tar:
    for key, sentence, name in rows:
        image = open(name, "rb").read()
        tar.write({"__key__": key, "jpg": image, "txt": sentence, "json": {"url": None, "seed": 5}})
"""


def main() -> None:
    options = _parse()
    scenes = [(str(scene), image) for scene, image in islice(draw_scenes(UNSEEN, 21), ROWS)]
    with tempfile.TemporaryDirectory() as folder:
        _img2dataset(options.img2dataset, Path(folder), scenes)
        _webdataset(options.webdataset, Path(folder), scenes[:12])
    _parquet(scenes[12:24])
    _folder(scenes[24:36])


def _img2dataset(command: Path, folder: Path, scenes: list[tuple[str, Image.Image]]) -> None:
    """Two shards of 30 rows, re-encoded at 64 px; one of 30 rows as they came; one of 15 rows in a folder."""
    table = {"url": [f"{HOST}/{row}" for row in range(ROWS)], "caption": [sentence for sentence, _ in scenes]}
    table["caption"][3] = None  # type: ignore[call-overload]
    pq.write_table(pa.table(table), folder / "list.parquet")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(scenes))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = {"http_proxy": f"http://127.0.0.1:{server.server_address[1]}", "NO_ALBUMENTATIONS_UPDATE": "1"}
    shared = ["--url_list", str(folder / "list.parquet"), "--input_format", "parquet", "--url_col", "url"]
    shared += ["--caption_col", "caption", "--output_format", "webdataset", "--number_sample_per_shard", "30"]
    shared += [
        "--processes_count",
        "1",
        "--thread_count",
        "4",
        "--enable_wandb",
        "False",
        "--image_size",
        "64",
    ]
    for name, options in {
        "img2dataset": ["--compute_hash", "sha256"],
        "img2dataset-as-is": ["--disable_all_reencoding", "True"],
        "img2dataset-files": ["--output_format", "files", "--number_sample_per_shard", "15"],
    }.items():
        shutil.rmtree(HERE / name, ignore_errors=True)
        output = ["--output_folder", str(HERE / name)]
        subprocess.run([command, *shared, *options, *output], env=os.environ | proxy, check=True)
    for name in ("img2dataset-as-is", "img2dataset-files"):
        for left in (HERE / name).glob("0000[1-9]*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    server.shutdown()


def _handler(scenes: list[tuple[str, Image.Image]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            row = int(self.path.rpartition("/")[2])
            if row % 10 == 7:
                return self._answer(404, b"gone", "text/plain")
            if row % 20 == 9:
                return self._answer(200, b"<html>a page</html>", "text/html")
            opt_out = {"X-Robots-Tag": "noai"} if row % 30 == 12 else {}
            return self._answer(200, _bytes(scenes[row][1], KINDS[row % 4]), "image/jpeg", opt_out)

        def _answer(self, code: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _webdataset(python: Path, folder: Path, scenes: list[tuple[str, Image.Image]]) -> None:
    rows = []
    for number, (sentence, image) in enumerate(scenes):
        (folder / f"{number}.jpg").write_bytes(_bytes(image, "JPEG"))
        rows.append((f"shapes/{number:04d}", sentence, str(folder / f"{number}.jpg")))
    (folder / "rows.json").write_text(json.dumps(rows))
    subprocess.run(
        [python, "-c", WEBDATASET, folder / "rows.json", HERE / "shapes.tar"], check=True, capture_output=True
    )


def _parquet(scenes: list[tuple[str, Image.Image]]) -> None:
    """As `datasets` writes a column of images; one row has none."""
    images = [{"bytes": _bytes(image, "JPEG"), "path": f"{row}.jpg"} for row, (_, image) in enumerate(scenes)]
    rows = {"image": [*images[:-1], None], "caption": [sentence for sentence, _ in scenes]}
    features = datasets.Features({"image": datasets.Image(), "caption": datasets.Value("string")})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(HERE / "images.parquet")


def _folder(scenes: list[tuple[str, Image.Image]]) -> None:
    """A folder with captions in `metadata.jsonl`, one beside its image and one image without any."""
    folder = HERE / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "more").mkdir(parents=True)
    names = [f"{'more/' if row % 3 == 0 else ''}{row}.jpg" for row in range(len(scenes))]
    for name, (_, image) in zip(names, scenes, strict=True):
        (folder / name).write_bytes(_bytes(image, "JPEG"))
    told = [{"file_name": n, "text": s} for n, (s, _) in list(zip(names, scenes, strict=True))[:-2]]
    told.append({"file_name": "lost.jpg", "text": "an image that is not there"})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    (folder / names[-2]).with_suffix(".txt").write_text(scenes[-2][0] + "\n")


def _bytes(image: Image.Image, kind: str) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, quality=95)
    return body.getvalue()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--img2dataset", type=Path, required=True, help="its command")
    parser.add_argument("--webdataset", type=Path, required=True, help="a Python that has it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
