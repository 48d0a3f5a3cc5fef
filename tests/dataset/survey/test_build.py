"""Building: drawn by seed, half and half, and blind."""

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from common.settings import S3Settings
from common.store import open_store
from dataset.cli import main
from dataset.merge.flow import Options, merge
from dataset.survey.layout import Survey, Truth, read_survey, read_truth
from dataset.survey.spelling import alike
from tests.dataset.command import error_line
from tests.dataset.gallery.scenes import Scene
from tests.dataset.survey.conftest import OPEN, World
from tests.dataset.survey.surveys import make_survey
from tests.dataset.survey.world import (
    FIRST_GONE,
    HUMAN_IMAGES,
    caption_csv,
    coco_json,
    human_caption,
    make_run,
)
from tests.dataset.synthetic import RunShape, write_manifest, write_shard
from tests.processes import run_here


def build(world: World, *options: object, run: str | None = None, code: int = 0) -> str:
    """Run the command; its answer, or its error line."""
    finished = run_here(main, "survey", "build", "--run", run or world.run, *options, environment=OPEN)
    assert finished.returncode == code, finished.stderr
    return finished.stdout if code == 0 else error_line(finished)


def read(folder: Path) -> tuple[Survey, Truth]:
    survey = read_survey(folder)
    return survey, read_truth(folder, survey)


@pytest.fixture(scope="module")
def built(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the human pictures but the one that is gone: the draw must have met it."""
    folder = tmp_path_factory.mktemp("built") / "survey"
    options = ("--human", world.human, "--n", 2 * (len(HUMAN_IMAGES) - 1), "--output", folder)
    assert build(world, *options) == f"{2 * (len(HUMAN_IMAGES) - 1)} samples: {folder}\n"
    return folder


def test_without_a_contact_no_image_of_the_web_is_fetched(world: World, tmp_path: Path) -> None:
    asked = len(world.web.asked)
    closed = {"FLEET_FETCH_CONTACT": "", "FLEET_FETCH_ALLOW_NETWORKS": ""}
    command = ("survey", "build", "--run", world.run, "--human", world.human, "--n", 4)
    answer = run_here(main, *command, "--output", tmp_path / "survey", environment=OPEN | closed)
    assert answer.returncode == 2
    assert "FLEET_FETCH_CONTACT is not set" in error_line(answer)
    assert not (tmp_path / "survey").exists()
    assert len(world.web.asked) == asked


def test_half_is_human_and_a_lost_image_is_replaced(built: Path, world: World) -> None:
    survey, truth = read(built)
    authors = Counter(origin.author for origin in truth.samples.values())
    assert authors == {"human": 59, "machine": 59}
    sources = [origin.source for origin in truth.samples.values()]
    assert len(set(sources)) == len(sources) == len(survey.samples)
    assert f"{world.web.address}/gone" not in sources
    for sample in survey.samples:
        origin = truth.samples[sample.id]
        number = int(origin.source.rsplit("/", 1)[1].removesuffix(".png"))
        assert sample.caption == alike(origin.caption)
        if origin.author == "human":
            assert origin.caption in {human_caption(number, form) for form in (0, 1)}
        else:
            assert origin.caption == Scene(number).row(world.web.address)["top_caption"]


def test_nothing_tells_which_is_which(built: Path) -> None:
    survey, truth = read(built)
    text = (built / "survey.json").read_text()
    assert set(json.loads(text)) == {"title", "contact", "samples"}
    assert {field for sample in json.loads(text)["samples"] for field in sample} == {"id", "caption"}
    assert not re.search(r"human|machine|http|127\.0\.0\.1", text.replace(survey.title, ""))
    ids = [sample.id for sample in survey.samples]
    assert ids == sorted(ids)  # random, so the order is too
    images = sorted((built / "pictures").iterdir())
    assert [file.stem for file in images] == ids
    assert len({(file.stat().st_mtime_ns, file.stat().st_mode) for file in images}) == 1
    shapes = set()
    for file in images:
        with Image.open(file) as image:
            shapes.add((image.format, image.size, str(image.quantization), tuple(sorted(image.info))))  # type: ignore[attr-defined]
    assert len(shapes) == 1
    runs = [truth.samples[name].author for name in ids]
    assert 10 < sum(first != second for first, second in pairwise(runs)) < 110


def test_both_sides_are_spelt_alike(built: Path) -> None:
    survey, _ = read(built)
    for sample in survey.samples:
        assert re.fullmatch(r"[a-z]+( [a-z]+|, [a-z]+)*", sample.caption)


def test_the_truth_is_for_the_owner_alone(built: Path) -> None:
    assert (built / "truth.json").stat().st_mode & 0o077 == 0


def test_the_same_seed_draws_the_same_and_another_does_not(world: World, tmp_path: Path) -> None:
    drawn, names = [], []
    for number, seed in enumerate((3, 3, 4)):
        folder = tmp_path / str(number)
        build(world, "--human", world.human, "--n", 20, "--seed", seed, "--output", folder)
        survey, truth = read(folder)
        drawn.append({(origin.source, origin.caption) for origin in truth.samples.values()})
        names.append({sample.id for sample in survey.samples})
    assert drawn[0] == drawn[1]
    assert len(drawn[0] & drawn[2]) < 15
    assert not names[0] & names[1]  # names cannot be worked out from the seed


def test_machine_only(world: World, tmp_path: Path) -> None:
    build(world, "--machine-only", "--n", 25, "--output", tmp_path / "survey", "--title", "Round 2")
    survey, truth = read(tmp_path / "survey")
    assert truth.machine_only
    assert {origin.author for origin in truth.samples.values()} == {"machine"}
    assert (len(survey.samples), survey.title) == (25, "Round 2")


def test_captions_of_the_runs_own_images_never_show_an_image_twice(world: World, tmp_path: Path) -> None:
    """Best for blindness: both sides caption pictures of one kind."""
    rows = [(f"{world.web.address}/{n}.png", human_caption(n)) for n in range(60)]
    human = caption_csv(tmp_path / "own.csv", rows)
    build(world, "--human", human, "--n", 60, "--output", tmp_path / "survey")
    _, truth = read(tmp_path / "survey")
    assert len({origin.source for origin in truth.samples.values()}) == 60


def test_the_same_image_at_two_addresses_is_drawn_once(world: World, tmp_path: Path) -> None:
    rows = [(f"{world.web.address}/{'0' * zeros}1000000.png", "A caption.") for zeros in range(4)]
    human = caption_csv(tmp_path / "again.csv", rows)
    said = build(world, "--human", human, "--n", 8, "--output", tmp_path / "survey", code=2)
    assert said.startswith("error: too few samples: 1 of 4 human ones could be had")
    assert "3 picture drawn before" in said
    assert [file.name for file in tmp_path.iterdir()] == ["again.csv"]


def test_local_images_in_parquet(world: World, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(2000, 2005):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(Scene(number).png())
    names = [f"{number}.png" for number in range(2000, 2005)]
    file = tmp_path / "human.parquet"
    pq.write_table(pa.table({"file_name": names, "Caption": ["A thing."] * 5}), file)
    options = ("--images", tmp_path / "pictures", "--n", 8, "--output", tmp_path / "survey")
    build(world, "--human", file, *options)
    survey, truth = read(tmp_path / "survey")
    local = [origin.source for origin in truth.samples.values() if origin.author == "human"]
    assert all(Path(source).parent == tmp_path / "pictures" for source in local)
    assert sum(sample.caption == "a thing" for sample in survey.samples) == 4


def test_too_few_rows_and_images_that_are_gone(world: World, tmp_path: Path) -> None:
    few = make_run(tmp_path / "few", world.web, numbers=range(10))
    said = build(world, "--machine-only", "--n", 50, "--output", tmp_path / "survey", run=few, code=2)
    assert said.startswith("error: too few samples: ")
    assert "of 50 machine ones" in said
    gone = coco_json(tmp_path / "gone.json", world.web, [FIRST_GONE])
    said = build(world, "--human", gone, "--n", 2, "--output", tmp_path / "survey", code=2)
    assert "0 of 1 human ones could be had" in said
    assert "1 http_4xx" in said
    assert not (tmp_path / "survey").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '{"images": [], "annotations": []}', "a.json: no human captions in it"),
        ("a.json", '{"images": [{"id": 1}]}', "a.json: not COCO's captions (annotations: Field required)"),
        ("a.json", "{", "a.json: not COCO's captions"),
        ("a.csv", "image,text\n", "a.csv: no human captions in it"),
        ("a.csv", "image,title\nx,y\n", "needs a column"),
        ("a.csv", "image,text\n../../etc/passwd,A file.\n", "an image outside"),
        ("a.csv", "image,text\n/etc/passwd,A file.\n", "an image outside"),
        ("a.parquet", "not parquet", "a.parquet: cannot be read"),
        ("a.txt", "x", "are a .json as COCO's, a .parquet or a .csv"),
    ],
)
def test_bad_human_captions(world: World, tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert said in build(world, "--human", name, "--n", 2, code=2)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_option_for_a_folder_of_images_keeps_its_old_name(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image,text\n/etc/passwd,A file.\n")
    for option in ("--images", "--pictures"):
        options = ("--human", tmp_path / "a.csv", option, tmp_path / "some", "--n", 2)
        assert f"an image outside {tmp_path}/some" in build(world, *options, code=2)


def test_wrong_use_is_one_line(world: World, tmp_path: Path) -> None:
    assert "give --human FILE" in build(world, "--output", tmp_path / "x", code=2)
    assert "even number" in build(world, "--human", world.human, "--n", 3, "--output", tmp_path / "x", code=2)
    taken = build(world, "--machine-only", "--output", tmp_path.parent, code=2)
    assert taken.endswith("not empty; a survey needs a folder of its own")
    missing = build(world, "--human", tmp_path / "no.json", "--output", tmp_path / "x", code=2)
    assert "no.json: cannot be read" in missing
    assert "no run here" in build(
        world, "--machine-only", "--output", tmp_path / "x", run=str(tmp_path / "no"), code=2
    )


def test_a_bad_shard_is_exit_code_1(world: World, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", world.web, numbers=range(40))
    (shard,) = Path(run, "shards").rglob("*.parquet")
    shard.write_bytes(b"PAR1 damaged")
    said = build(world, "--machine-only", "--output", tmp_path / "survey", run=run, code=1)
    assert "not a readable shard" in said


def test_an_image_that_has_vanished(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    make_survey(folder, 3)
    next((folder / "pictures").iterdir()).unlink()
    finished = run_here(main, "survey", "serve", folder, environment={})
    assert finished.returncode == 2
    assert "the picture has vanished; restore it, or build the survey again" in error_line(finished)


def run_with_digests(
    world: World, folder: Path, numbers: Sequence[int], *, right: Callable[[int], bool]
) -> str:
    """A run whose rows know their images' SHA-256, or that of another."""
    store = open_store(str(folder), S3Settings())
    shape = RunShape(parts=1, part_rows=len(numbers), batch_rows=len(numbers))
    write_manifest(store, shape)
    (batch,) = shape.batches()
    rows = [Scene(n).row(world.web.address) for n in numbers]
    for number, row in zip(numbers, rows, strict=True):
        body = Scene(number).png() if right(number) else b"another image"
        row["sha256"] = hashlib.sha256(body).hexdigest()
    write_shard(store, shape, batch, rows)
    return store.uri


def test_images_that_changed_since_they_were_captioned_are_not_shown(world: World, tmp_path: Path) -> None:
    run = run_with_digests(world, tmp_path / "run", range(15), right=lambda number: number % 5 > 0)
    good = [n for n in range(15) if n % 5 > 0 and Scene(n).row(world.web.address).get("top_caption")]
    build(world, "--machine-only", "--n", len(good), "--output", tmp_path / "survey", run=run)
    _, truth = read(tmp_path / "survey")
    shown = {int(one.source.rsplit("/", 1)[1].removesuffix(".png")) for one in truth.samples.values()}
    assert shown == set(good)  # drawn to the last row, before it says that there are too few
    options = ("--machine-only", "--n", len(good) + 1, "--output", tmp_path / "more")
    said = build(world, *options, run=run, code=2)
    assert re.search(r"too few samples: .* \(\d+ changed since it was captioned", said)


def test_a_survey_of_what_is_published(world: World, tmp_path: Path) -> None:
    merge([world.run], str(tmp_path / "data"), Options(), S3Settings())
    options = ("--machine-only", "--n", 10, "--data", tmp_path / "data", "--output", tmp_path / "survey")
    finished = run_here(main, "survey", "build", *options, environment=OPEN)
    assert finished.returncode == 0, finished.stderr
    assert read(tmp_path / "survey")[1].run == str(tmp_path / "data")


def resized(number: int, width: int) -> bytes:
    """A picture in another size, as JPEG."""
    sink = io.BytesIO()
    with Image.open(io.BytesIO(Scene(number).png())) as image:
        image.resize((width, width * 3 // 4), Image.Resampling.LANCZOS).save(sink, "JPEG", quality=80)
    return sink.getvalue()


def embedded(file: Path, bodies: Sequence[bytes | None]) -> Path:
    """Images inside the file, with lists of captions, in row groups of four."""
    images = [{"bytes": body, "path": f"{n}.jpg"} for n, body in enumerate(bodies)]
    names = [f"{n}.jpg" for n in range(len(bodies))]
    captions = [["A thing.", "Another thing."]] * len(bodies)
    table = pa.table({"image": images, "file_name": names, "answer": captions})
    pq.write_table(table, file, row_group_size=4)
    return file


def test_one_image_in_several_sizes_is_drawn_once(world: World, tmp_path: Path) -> None:
    human = embedded(tmp_path / "sizes.parquet", [resized(7, 90 + 130 * n) for n in range(4)])
    said = build(world, "--human", human, "--n", 8, "--output", tmp_path / "survey", code=2)
    assert said.startswith("error: too few samples: 1 of 4 human ones could be had")
    assert "3 picture drawn before" in said


def test_images_inside_the_file_of_captions(world: World, tmp_path: Path) -> None:
    """As COCO's captions are on the Hub: images as structs of bytes, beside lists of captions."""
    numbers = range(3000, 3010)
    bodies = [None if n == 3001 else b"no image" if n == 3002 else Scene(n).png() for n in numbers]
    human = embedded(tmp_path / "coco.parquet", bodies)
    build(world, "--human", human, "--n", 16, "--output", tmp_path / "survey")
    survey, truth = read(tmp_path / "survey")
    ours = {name: one for name, one in truth.samples.items() if one.author == "human"}
    assert {one.source for one in ours.values()} == {
        f"{human}, row {n}" for n in range(10) if n not in {1, 2}
    }
    assert {one.caption for one in ours.values()} <= {"A thing.", "Another thing."}
    assert len(list((tmp_path / "survey" / "pictures").iterdir())) == len(survey.samples) == 16


def test_captions_as_lists_beside_an_image_struct(world: World, tmp_path: Path) -> None:
    """As COCO's captions are on the Hub, where the table has an address too."""
    rows = [
        {
            "image": {"bytes": b"", "path": f"{n}.png"},
            "url": f"{world.web.address}/{n}.png",
            "sentences": [human_caption(n, form) for form in (0, 1)],
        }
        for n in range(1001, 1011)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "coco.parquet")
    build(world, "--human", tmp_path / "coco.parquet", "--n", 10, "--output", tmp_path / "survey")
    _, truth = read(tmp_path / "survey")
    assert sum(origin.author == "human" for origin in truth.samples.values()) == 5
