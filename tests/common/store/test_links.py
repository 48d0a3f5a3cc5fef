"""Nothing is written, removed or swept through a link that somebody else put into a run's folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import NoPlaceError
from common.settings import S3Settings
from common.store import Store, open_store
from common.store.scratch import scratch


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of the user's, with an old file of a name like those of unfinished files."""
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "tmp-thesis").write_text("kept")
    os.utime(folder / "tmp-thesis", (1, 1))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "run").mkdir()
    return open_store(str(tmp_path / "run"), S3Settings())


def use_scratch(store: Store) -> None:
    with scratch(store):
        pass


USES: list[tuple[str, Callable[[Store], object]]] = [
    ("shards", lambda store: store.create("shards/a/0.parquet", b"x")),
    ("data", lambda store: store.create_file("data/0.parquet", Path(__file__))),
    ("survey", lambda store: store.replace("survey/page.html", b"x")),
    ("failed", lambda store: store.delete("failed/tmp-thesis")),
    ("failed", lambda store: store.delete_all(["failed/tmp-thesis"])),
    (".tmp", lambda store: store.create("run.json", b"x")),
    (".tmp", lambda store: store.replace("run.json", b"x")),
    (".tmp", lambda store: store.check_writable()),
    (".tmp", use_scratch),
]


@pytest.mark.parametrize(("name", "use"), USES)
def test_a_linked_folder_is_refused_and_what_it_leads_to_stays(
    name: str, use: Callable[[Store], object], store: Store, precious: Path
) -> None:
    Path(store.uri, name).symlink_to(precious)
    with pytest.raises(NoPlaceError, match=f"{name}: a link"):
        use(store)
    assert [path.name for path in precious.iterdir()] == ["tmp-thesis"]


def test_a_run_that_is_itself_a_link_is_its_users_choice(precious: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(precious)
    store = open_store(str(tmp_path / "link"), S3Settings())
    use_scratch(store)
    store.check_writable()
    assert store.create("shards/a/0.parquet", b"x")
    assert store.read("shards/a/0.parquet") == b"x"


def test_links_that_lead_nowhere_are_no_objects_and_hide_none(store: Store, precious: Path) -> None:
    for name, target in {"circle": "circle", "gone": "/nowhere", "below": f"{precious}/tmp-thesis/x"}.items():
        Path(store.uri, name).symlink_to(target)
    store.create("shards/0.parquet", b"x")
    assert [entry.key for entry in store.list("")] == ["shards/0.parquet"]


def test_a_linked_file_is_replaced_not_followed(store: Store, precious: Path) -> None:
    (Path(store.uri) / "README.md").symlink_to(precious / "tmp-thesis")
    store.replace("README.md", b"x")
    assert (precious / "tmp-thesis").read_text() == "kept"
