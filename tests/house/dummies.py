"""One dummy of each kind of change, as edits of the places that docs/architecture.md names.

Each edit turns the text of one file; the pages that the code writes are written again instead.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Edit = Callable[[str], str]
WRITTEN_BY = {
    "docs/settings.md": "common.settings.table",
    "docs/shards.md": "common.run.schema_page",
    "docs/metrics.md": "common.queue.metrics_page",
}


@dataclass(frozen=True)
class Dummy:
    """What is added, and a program that sees it work."""

    edits: Mapping[str, Edit]
    proof: str


def after(anchor: str, addition: str) -> Edit:
    """Put lines after the first line that matches `anchor`."""

    def edit(text: str) -> str:
        changed, found = re.subn(
            rf"^.*{anchor}.*\n", lambda line: line[0] + addition, text, count=1, flags=re.MULTILINE
        )
        assert found, f"no line like {anchor!r}: correct tests/house/dummies.py"
        return changed

    return edit


def both(first: Edit, second: Edit) -> Edit:
    return lambda text: second(first(text))


DUMMIES = {
    "a sampling rule": Dummy(
        {
            "common/settings/sampling.py": after(
                r"^class SamplingSettings(?:.*\n)*?    seed: ",
                '    dummy_token: int = Field(-1, description="a token that is never drawn; -1 is none")\n',
            ),
            "workers/cascade/sampling/rules.py": after(
                r"logits = penalise_repetition\(",
                "    if sampling.dummy_token >= 0:\n"
                "        logits = logits.clone()\n"
                "        logits[:, sampling.dummy_token] = -torch.inf\n",
            ),
        },
        """
import torch
from common.settings import SamplingSettings
from workers.cascade.sampling import rules
logits, tokens = torch.tensor([[1.0, 5.0, 2.0, 0.0]]), torch.tensor([[3]])
kept = rules.process_logits(logits, tokens, 9, 3, SamplingSettings(dummy_token=1, top_p=1, top_k=0))
assert kept[0, 1] == -torch.inf and kept[0, 2] > 0, kept
""",
    ),
    "an opt-out rule": Dummy(
        {
            "common/signs.py": after(
                r'Sign\(Family.ROBOTS_TAG, "noai"',
                '    Sign(Family.ROBOTS_TAG, "nodummies", Where.HEADER, Forbids.TRAINING, _DEVIANTART),\n',
            )
        },
        """
from multidict import CIMultiDict, CIMultiDictProxy
from common.signs import Honoured
from workers.fetch.signs.response import find_header_sign
headers = CIMultiDictProxy(CIMultiDict({"X-Robots-Tag": "nodummies"}))
assert find_header_sign(headers, Honoured()) == "x-robots-tag: nodummies"
""",
    ),
    "a status": Dummy(
        {
            "common/run/status.py": after(r'NO_CAPTION = "no_caption", ', '    DUMMY = "dummy", "a dummy"\n'),
            "README.md": lambda text: re.sub(r"(status is one of `[^`]+)`", r"\1, dummy`", text, count=1),
        },
        """
from common.run.status import Status
from dataset.figures.counts import count_fates
assert count_fates({"dummy": 2, "ok": 1}).failures == {Status.DUMMY: 2}
assert Status("dummy").meaning == "a dummy"
""",
    ),
    "a column": Dummy(
        {
            "common/run/schema.py": after(
                r'Column\("repaired_caption"', '    Column("dummy", pa.int64(), "a dummy"),\n'
            ),
            "workers/batch/shard.py": after(
                r'"repaired_caption": ',
                '        "dummy": [found and len(found.top) for found in captions],\n',
            ),
        },
        """
import io
import pyarrow.parquet as pq
from tests.workers.batch.test_shard import shard
assert pq.read_table(io.BytesIO(shard()))["dummy"].to_pylist() == [5, None]
""",
    ),
    "a metric": Dummy(
        {
            "common/metrics.py": after(r"^DEAD = ", 'DUMMIES = Counter("fleet_dummies", "Dummies.")\n'),
            "k8s/components/monitoring/caption-fleet.json": lambda text: text.replace(
                "max(fleet_queue_set_aside)", "max(fleet_queue_set_aside + sum(fleet_dummies_total))"
            ),
        },
        """
from prometheus_client import generate_latest
from common.metrics import DUMMIES
DUMMIES.inc(3)
assert b"fleet_dummies_total 3.0" in generate_latest()
""",
    ),
    "an option": Dummy(
        {
            "producer/cli/look.py": both(
                after(
                    r"^def status_command\((?:.*\n)*?    output: Output = None,",
                    '    dummy: Annotated[str, typer.Option(help="Say this first.")] = "",\n',
                ),
                after(
                    r"^def status_command\((?:.*\n)*?    settings = load_settings\(\)",
                    "    typer.echo(dummy)\n",
                ),
            )
        },
        """
from typer.testing import CliRunner
from producer.cli import app
assert "--dummy" in CliRunner().invoke(app, ["status", "--help"]).stdout
answer = CliRunner().invoke(app, ["status", "--dummy", "said", "--output", "nowhere"])
assert answer.stdout.startswith("said\\n")
""",
    ),
    "a setting": Dummy(
        {
            "common/settings/tree.py": after(
                r"    broker_url: str = Field\((?:.*\n)*?    \)",
                '    dummy: int = Field(1, description="a dummy")\n',
            )
        },
        """
import os
from common.console.cli import load_settings
from common.errors import FleetError
os.environ["FLEET_DUMMY"] = "3"
assert load_settings().dummy == 3
del os.environ["FLEET_DUMMY"]
os.environ["FLEET_DUMY"] = "3"
try:
    load_settings()
except FleetError as error:
    assert "did you mean FLEET_DUMMY?" in str(error)
else:
    raise AssertionError("it was taken")
""",
    ),
}
