"""Publishing, against a server that speaks the Hub's calls: the Hub holds one version, and exactly that."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.console.cli import load_settings
from common.deny.deny_list import parse_deny_list
from common.store import Store
from dataset.files.merged import Merged
from dataset.merge.flow import Options, merge
from dataset.withdraw.withdraw import withdraw
from tests.dataset.command import error_line, run_dataset, run_from_nothing, start_dataset
from tests.dataset.conftest import NewStore
from tests.dataset.hub import Hub, local_hub
from tests.dataset.merge.runs import make_run, row, table_of
from tests.dataset.synthetic import RunShape, write_run

REPO = "owner/captions"
CONTACT = "rows@lab.example"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with local_hub() as served:
        yield served


def merged(store: Store) -> list[str]:
    """A run merged into its own place; returns what ought to go."""
    write_run(store, RunShape())
    done = merge([store.uri], store.uri, Options(part_size=40_000), load_settings().s3)
    return ["README.md", *done.keys]


def publish(
    store: Store, hub: Hub, home: Path, *options: str, run: Command = run_dataset, **environment: str
) -> tuple[int, str, str]:
    words = ("publish", "--repo", REPO, "--output", store.uri, *options)
    finished = run(*words, **{**_environment(hub, home), **environment})
    return finished.returncode, finished.stdout, error_line(finished) if finished.returncode else ""


def _environment(hub: Hub, home: Path) -> dict[str, str]:
    return {**hub.environment, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


LOAD = """
import json, sys
from datasets import load_dataset
for folder in sys.stdin:
    rows = load_dataset(
        sys.argv[1], split="train", cache_dir=folder.strip(), download_mode="force_redownload"
    )
    print(json.dumps(sorted(rows["URL"])), flush=True)
"""


@contextmanager
def open_reader(hub: Hub, home: Path) -> Iterator[Callable[[], list[str]]]:
    """Gives the addresses that a reader gets, as readers do."""
    quiet = {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    environment = {**os.environ, **_environment(hub, home), **quiet, "PYTHONPATH": ""}  # readers have pandas
    command = [sys.executable, "-W", "ignore", "-c", LOAD, REPO]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orders, answers = process.stdin, process.stdout

        def load() -> list[str]:
            orders.write(f"{home}/cache-{hub.head[-4:]}\n".encode())
            urls: list[str] = json.loads(answers.readline())
            return urls

        yield load
        orders.close()


def test_the_hub_holds_what_was_merged_and_nothing_else(
    new_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    keys = merged(new_store("run"))
    code, said, _ = publish(new_store("run"), hub, tmp_path, "--private", run=run_from_nothing)
    assert (code, said) == (0, f"{hub.address}/datasets/{REPO}\n")
    assert hub.private == {REPO: True}
    assert {key: new_store("run").read(key) for key in keys} == hub.files
    assert len(hub.commits) == 1
    assert f'load_dataset("{REPO}", split="train")' in hub.files["README.md"].decode()


def test_again_sends_nothing(new_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    merged(new_store("run"))
    publish(new_store("run"), hub, tmp_path)
    before = hub.calls.copy()
    assert publish(new_store("run"), hub, tmp_path)[0] == 0
    assert hub.calls == before


def test_what_an_interrupted_upload_sent_is_not_sent_again(
    new_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    keys = merged(new_store("run"))
    hub.uploads_that_fail = 1
    code, _, line = publish(new_store("run"), hub, tmp_path)
    assert (code, "the test says no" in line) == (2, True)
    assert not hub.commits
    assert publish(new_store("run"), hub, tmp_path)[0] == 0
    assert hub.files.keys() == set(keys)
    assert hub.calls["upload"] == 1 + len(keys) - 1


def test_private_unless_public_and_a_mismatch_is_an_error(
    folder_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    merged(folder_store("run"))
    code, _, line = publish(folder_store("run"), hub, tmp_path, "--public")
    assert (code, "give --contact" in line, hub.private) == (2, True, {})
    assert publish(folder_store("run"), hub, tmp_path)[0] == 0
    assert hub.private == {REPO: True}
    code, _, line = publish(folder_store("run"), hub, tmp_path, "--public", "--contact", CONTACT)
    assert (code, "is private on the Hub" in line) == (2, True)
    hub.private[REPO] = False
    code, _, line = publish(folder_store("run"), hub, tmp_path, "--private")
    assert (code, "is public on the Hub" in line) == (2, True)
    assert publish(folder_store("run"), hub, tmp_path, "--public", "--contact", CONTACT)[0] == 0
    assert f"write to {CONTACT}" in hub.files["README.md"].decode()
    assert publish(folder_store("run"), hub, tmp_path, "--public")[0] == 0


def test_an_edited_card_goes_as_it_is_and_must_name_the_contact(
    folder_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    store = folder_store("run")
    merged(store)
    store.replace("README.md", b"# Ours\n")
    code, _, line = publish(store, hub, tmp_path, "--public", "--contact", CONTACT)
    assert (code, "does not name" in line) == (2, True)
    store.replace("README.md", f"# Ours\n\nRemovals: {CONTACT}\n".encode())
    assert publish(store, hub, tmp_path, "--public", "--contact", CONTACT)[0] == 0
    assert hub.files["README.md"] == store.read("README.md")


def test_files_that_are_nobodys_version_stay_and_old_data_go(
    folder_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    keys = merged(folder_store("run"))
    hub.private[REPO] = True
    hub.files = {".gitattributes": b"x", "LICENSE": b"y", "data/train-old.parquet": b"z"}
    assert publish(folder_store("run"), hub, tmp_path)[0] == 0
    assert set(hub.files) == {".gitattributes", "LICENSE", *keys}


def test_a_commit_of_somebody_else_meanwhile_is_one_line(
    folder_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    merged(folder_store("run"))
    publish(folder_store("run"), hub, tmp_path)
    (url,) = table_of(folder_store("run"), _record(folder_store("run")))["URL"].to_pylist()[:1]
    withdraw(folder_store("run"), parse_deny_list([url], "list"), None, load_settings().s3)
    hub.slow = 1.5
    calls = hub.calls["upload"]
    words = ("publish", "--repo", REPO, "--output", folder_store("run").uri)
    publishing = start_dataset(*words, **_environment(hub, tmp_path))
    while hub.calls["upload"] == calls and publishing.is_running:
        time.sleep(0.01)
    hub.commits.append(hub.files)
    finished = publishing.wait()
    assert finished.returncode == 2
    assert "the Hub answered 412" in finished.stderr


def _record(store: Store) -> Merged:
    return Merged.model_validate_json(store.read("merge.json") or b"")


@pytest.mark.parametrize(
    "kills", [pytest.param(2), pytest.param(10, marks=(pytest.mark.soak, pytest.mark.timeout(1800)))]
)
def test_readers_get_one_version_whatever_is_killed(
    folder_store: NewStore, hub: Hub, tmp_path: Path, kills: int
) -> None:
    """Version 1; version 2 of more rows and a deny list; a withdrawal: each killed, then done."""
    hub.slow = 0.1
    draw = random.Random(kills)
    run = make_run(folder_store("run"), [row(f"{n}") for n in range(400)])
    later = make_run(folder_store("later"), [row(f"new-{n}") for n in range(100)], seed=1)
    (tmp_path / "deny.txt").write_text("https://images.example/3.jpg\nhttps://images.example/new-3.jpg\n")
    (tmp_path / "gone.txt").write_text("\n".join(f"https://images.example/{n}.jpg" for n in (5, 200)))
    one, two = folder_store("v1").uri, folder_store("v2").uri
    size = ("--part-size", "10KB")
    first = {f"https://images.example/{n}.jpg" for n in range(400)}
    second = first | {f"https://images.example/new-{n}.jpg" for n in range(100)}
    second -= {"https://images.example/3.jpg", "https://images.example/new-3.jpg"}
    both = ("--run", run.uri, "--run", later.uri)
    deny = ("--deny-list", f"{tmp_path}/deny.txt")
    steps = [
        (one, ("merge", "--run", run.uri, "--output", one, *size), first),
        (two, ("merge", *both, "--output", two, *size, *deny), second),
        (
            two,
            ("withdraw", "--data", two, "--list", f"{tmp_path}/gone.txt"),
            second - {"https://images.example/5.jpg", "https://images.example/200.jpg"},
        ),
    ]
    with open_reader(hub, tmp_path) as load:
        for place, command, expected in steps:
            _until_done(command, hub, tmp_path, draw, kills)
            _until_done(("publish", "--repo", REPO, "--output", place), hub, tmp_path, draw, kills)
            assert load() == sorted(expected)
    assert len(hub.commits) == 3
    assert all({path for path in files if path.startswith("data/")} for files in hub.commits)


def _until_done(command: tuple[str, ...], hub: Hub, home: Path, draw: random.Random, kills: int) -> None:
    environment = _environment(hub, home)
    for _ in range(kills):
        killed = start_dataset(*command, **environment)
        time.sleep(draw.uniform(0, 1))
        killed.kill()
        killed.wait()
    finished = run_dataset(*command, **environment)
    assert finished.returncode == 0, finished.stderr


def test_a_dry_run_lists_and_asks_nobody(folder_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    keys = merged(folder_store("run"))
    code, said, _ = publish(folder_store("run"), hub, tmp_path, "--dry-run")
    *files, total = said.splitlines()
    assert code == 0
    assert [line.split()[-1] for line in files] == keys
    assert sum(int(line.split()[0].replace(",", "")) for line in files) == int(
        total.split()[0].replace(",", "")
    )
    assert not hub.calls
    assert not hub.private


def test_a_token_that_may_not_is_one_line(folder_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    merged(folder_store("run"))
    code, _, line = publish(folder_store("run"), hub, tmp_path, HF_TOKEN="hf_other")
    assert code == 2
    assert line.startswith(f"error: {REPO}: the Hub answered 401: Invalid user token.")
    assert "hf auth login" in line


def test_no_hub_at_all_is_one_line(folder_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    merged(folder_store("run"))
    code, _, line = publish(folder_store("run"), hub, tmp_path, HF_ENDPOINT="http://127.0.0.1:1")
    assert code == 2
    assert line.startswith(f"error: {REPO}: ConnectError")


def test_an_unmerged_run_and_a_bad_name_are_one_line(
    folder_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    write_run(folder_store("raw"), RunShape())
    code, _, line = publish(folder_store("raw"), hub, tmp_path)
    assert (code, line.endswith("run `dataset merge` first")) == (2, True)
    merged(folder_store("run"))
    finished = run_dataset(
        "publish", "--repo", "a/b/c", "--output", folder_store("run").uri, **hub.environment
    )
    assert finished.returncode == 2
    assert "owner/name" in error_line(finished)
