"""Publishing, against a server that speaks the Hub's upload calls."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.console.cli import load_settings
from common.store import Store
from dataset.merge.flow import Options, merge
from tests.dataset.command import error_line, run_dataset
from tests.dataset.conftest import NewStore
from tests.dataset.hub import Hub, local_hub
from tests.dataset.synthetic import RunShape, write_run

REPO = "owner/captions"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with local_hub() as served:
        yield served


def merged(store: Store) -> list[str]:
    """A run merged into its own place; returns what ought to go."""
    write_run(store, RunShape())
    done = merge([store.uri], store.uri, Options(part_size=40_000), load_settings().s3)
    return ["README.md", *done.keys]


def publish(store: Store, hub: Hub, home: Path, *options: str, **environment: str) -> tuple[int, str, str]:
    finished = run_dataset(
        "publish", "--repo", REPO, "--output", store.uri, *options,
        **{**hub.environment, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment},
    )  # fmt: skip
    return finished.returncode, finished.stdout, error_line(finished) if finished.returncode else ""


def test_the_hub_holds_what_was_merged_and_nothing_else(
    new_store: NewStore, hub: Hub, tmp_path: Path
) -> None:
    keys = merged(new_store("run"))
    code, said, _ = publish(new_store("run"), hub, tmp_path, "--private")
    assert (code, said) == (0, f"{hub.address}/datasets/{REPO}\n")
    assert hub.private == {REPO: True}
    assert {key: new_store("run").read(key) for key in keys} == hub.files


def test_again_sends_nothing(folder_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    merged(folder_store("run"))
    publish(folder_store("run"), hub, tmp_path)
    before = hub.calls.copy()
    assert publish(folder_store("run"), hub, tmp_path)[0] == 0
    assert hub.calls == before
    assert hub.private == {REPO: False}


def test_what_an_interrupted_upload_sent_stays(folder_store: NewStore, hub: Hub, tmp_path: Path) -> None:
    keys = merged(folder_store("run"))
    hub.uploads_that_fail = 1
    code, _, line = publish(folder_store("run"), hub, tmp_path)
    assert code == 2
    assert "the test says no" in line
    sent = hub.calls["upload"]
    assert len(hub.objects) >= 1
    assert publish(folder_store("run"), hub, tmp_path)[0] == 0
    assert hub.files.keys() == set(keys)
    assert hub.calls["upload"] - sent <= len(keys) - 1 - (sent - 1)


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
