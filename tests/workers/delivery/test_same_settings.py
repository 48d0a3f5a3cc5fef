"""Workers that would write other rows than their run says write none; each shard names its lists."""

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from celery.exceptions import Reject

from common.run.layout import RUN_KEY
from common.run.make_run import make_run
from common.run.manifest import read_run
from common.run.provenance import Provenance, difference, read_provenance
from common.run.thresholds import Thresholds
from common.settings import FetchSettings, FilterSettings
from common.signs import NAMES
from producer.cli import main
from tests.processes import run_here
from tests.workers.delivery.conftest import Delivery
from workers.models.fake import FakeCascade

OTHER = [
    ({"filter": FilterSettings(max_punsafe=0.5)}, "thresholds.max_punsafe is None in the run and 0.5 here"),
    ({"filter": FilterSettings(min_width=64)}, "thresholds.min_width is None in the run and 64 here"),
    (
        {"fetch": FetchSettings(opt_out=False)},
        f"signs is {list(NAMES)} in the run and []",
    ),
    ({"repairer": "lab/repairer@abc"}, "repairer.name is None in the run and 'lab/repairer' here"),
]


@pytest.mark.parametrize(("settings", "line"), OTHER)
def test_a_worker_of_other_settings_puts_its_batch_back(
    delivery: Delivery, settings: dict[str, object], line: str
) -> None:
    with pytest.raises(Reject) as reject:
        delivery.deliver(0, **settings)
    assert line in reject.value.reason
    assert not list(delivery.store.list("shards"))


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("FLEET_FILTER_MIN_HEIGHT", "32", "thresholds.min_height is None in the run and 32 here"),
        ("FLEET_FETCH_OPT_OUT", "false", "signs is "),
        ("FLEET_REPAIRER", "lab/repairer@abc", "repairer.name is None"),
    ],
)
def test_a_producer_of_other_settings_adds_nothing(
    delivery: Delivery, variable: str, value: str, line: str
) -> None:
    environment = {
        "FLEET_BROKER_URL": delivery.settings.broker_url,
        "FLEET_OUTPUT": delivery.store.uri,
        "FLEET_MODELS": "fake",
        variable: value,
    }
    done = run_here(main, "enqueue", delivery.part, environment=environment)
    assert (done.returncode, line in done.stderr) == (2, True), done.stderr


def made_by(delivery: Delivery, number: int) -> Provenance:
    body = delivery.store.read(f"shards/{delivery.batches[number]}.parquet")
    assert body is not None
    return read_provenance(pq.read_schema(io.BytesIO(body)).metadata)


def test_a_deny_list_may_change_and_each_shard_has_its_digest(delivery: Delivery) -> None:
    delivery.deliver(0)
    for number, deny in enumerate(
        [("a.example",), ("b.example", "a.example"), ("a.example", "b.example")], 1
    ):
        delivery.deliver(number, filter=FilterSettings(deny=deny))
    lists = [made_by(delivery, number).lists for number in range(4)]
    assert lists[0] == {}
    assert [list(named) for named in lists[1:]] == [["deny"]] * 3
    assert lists[1] != lists[2] == lists[3]


def test_each_shard_names_the_precision_of_each_model(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCascade, "dtype", "bfloat16")
    monkeypatch.setattr(FakeCascade, "dtypes", {"ranker": "float16"})
    delivery.deliver(0)
    precisions = {role: model.dtype for role, model in made_by(delivery, 0).models.items()}
    assert precisions == {"captioner": "bfloat16", "ranker": "float16", "selector": "bfloat16"}


def test_a_shard_says_its_rules_and_verify_compares_them(delivery: Delivery) -> None:
    delivery.deliver(0)
    run, made = read_run(delivery.store), made_by(delivery, 0)
    assert run is not None
    assert difference(made, run) is None
    others = [
        (made.model_copy(update={"thresholds": {"min_width": 9}}), "min_width 9 instead of None"),
        (made.model_copy(update={"signs": []}), f"signs [] instead of {list(NAMES)}"),
    ]
    for other, line in others:
        assert difference(other, run) == line
    repaired = run.model_copy(update={"repairer": run.models.ranker})
    assert difference(made, repaired) == "repairer none instead of " + repaired.models.ranker.name + "@" + (
        repaired.models.ranker.revision
    )


def test_a_run_of_version_0_1_is_gone_on_with(delivery: Delivery) -> None:
    """Its manifest says nothing of thresholds, repairer and signs."""
    path = Path(delivery.store.uri) / RUN_KEY
    fields = json.loads(path.read_text())
    for name in ("thresholds", "repairer", "signs"):
        del fields[name]
    path.write_text(json.dumps(fields))
    run = read_run(delivery.store)
    assert run is not None
    assert run.difference(make_run(delivery.settings, run.batch_rows)) is None
    delivery.deliver(0, filter=FilterSettings(max_punsafe=0.5))
    assert made_by(delivery, 0).thresholds == Thresholds(max_punsafe=0.5).model_dump()
    assert difference(made_by(delivery, 0), run) is None
