"""Parts on the Hugging Face Hub: through huggingface_hub, against a small hub on loopback."""

import gzip
import json
from pathlib import Path

from tests.processes import TOY, run
from tests.samples import write_part
from tests.servers.hub import hub
from tests.servers.valkey import Valkey

GLOB = "hf://datasets/lab/links/part-*.parquet"


def test_a_glob_on_the_hub_is_planned(broker: Valkey, outside: Path) -> None:
    body = write_part(outside / "in.parquet", 12).read_bytes()
    with hub({"part-0.parquet": body, "part-1.parquet": body, "README.md": b"# links"}) as endpoint:
        done = run(
            "producer", "enqueue", GLOB, environment=_environment(broker, outside, endpoint), cwd=outside
        )
    assert done.returncode == 0, done.stderr
    assert "2 batches queued from 2 parts" in done.stdout
    plans = [json.loads(path.read_text()) for path in sorted((outside / "out/parts").iterdir())]
    assert {plan["address"].rsplit("/", 1)[1] for plan in plans} == {"part-0.parquet", "part-1.parquet"}
    assert all(plan["address"].startswith("hf://datasets/lab/links") for plan in plans)
    assert all(
        (plan["rows"], plan["size"], plan["etag"]) == (12, len(body), f"oid-{len(body)}") for plan in plans
    )


def test_a_list_on_the_hub_is_converted(broker: Valkey, outside: Path) -> None:
    body = b"URL,TEXT\nhttp://192.0.2.1/1,a\nhttp://192.0.2.1/2,b\n"
    with hub({"lists/links.csv.gz": gzip.compress(body)}) as endpoint:
        address = "hf://datasets/lab/links/lists/*.csv.gz"
        environment = _environment(broker, outside, endpoint)
        done = run("producer", "enqueue", address, environment=environment, cwd=outside)
    assert done.returncode == 0, done.stderr
    (plan,) = [json.loads(path.read_text()) for path in (outside / "out/parts").iterdir()]
    assert (plan["rows"], plan["address"].rpartition("/")[0]) == (2, str(outside / "out" / "input"))


def test_a_hub_out_of_reach_is_one_line(broker: Valkey, outside: Path) -> None:
    environment = _environment(broker, outside, "http://127.0.0.1:1")
    address = "hf://datasets/lab/links/part-0.parquet"
    answer = run("producer", "enqueue", address, environment=environment, cwd=outside)
    lines = [line for line in answer.stderr.splitlines() if line.startswith("error")]
    assert (answer.returncode, answer.stdout, len(lines)) == (2, "", 1), answer.stderr
    assert "part-0.parquet: the Hub cannot be reached" in lines[0]
    assert not (outside / "out").exists()


def _environment(broker: Valkey, folder: Path, endpoint: str) -> dict[str, str]:
    own = {"FLEET_BROKER_URL": broker.url, "FLEET_OUTPUT": "out"}
    return {**TOY, **own, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
