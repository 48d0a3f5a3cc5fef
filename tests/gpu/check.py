"""What CUDA does differently, checked on any GPU: `python -m tests.gpu.check --json FILE`.

Each part runs in a process of its own under a limit of its own, so that one that dies or hangs costs only
itself. Every figure goes into FILE, `-` is standard output. Exit code 1: a figure is not as it has to be, or
a part did not end well; 2: there is no GPU.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIMITS: Mapping[str, float] = {
    "identity": 45,
    "ceilings": 15,
    "same_results": 35,
    "graph": 25,
    "toy": 40,
    "clip_precision": 35,
    "memory": 20,
    "out_of_memory": 25,
    "poison": 15,
    "shapes": 30,
    "profile": 35,
    "throughput": 55,
    "processes": 65,
    "flow": 40,
}
"""Seconds of each part with its imports, the first with a first start; most take a third of theirs."""

IN_ALL = 480.0
ON_CPU = 10
"""Times as long, where the check itself is tried."""

COMMAND = (sys.executable, "-m", "tests.gpu.part")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", required=True, metavar="FILE")
    parser.add_argument(
        "--device", default="cuda", help="(%(default)s); cpu tries the check with small models"
    )
    parser.add_argument("--parts", nargs="+", choices=LIMITS, default=list(LIMITS), metavar="PART")
    options = parser.parse_args(arguments)
    patience = ON_CPU if options.device == "cpu" else 1
    end = time.monotonic() + patience * IN_ALL
    parts: dict[str, Any] = {}
    for name in dict.fromkeys(["identity", *options.parts]):
        limit = min(patience * LIMITS[name], end - time.monotonic())
        parts[name] = run_part(name, options.device, limit)
        if parts[name]["state"] == "no device":
            sys.stderr.write(parts[name]["error"] + "\n")
            return 2
        _say(name, parts[name])
    _write(options.json, {"date": time.strftime("%Y-%m-%d", time.gmtime()), "parts": parts})
    return int(any(part["state"] != "ok" or part["failures"] for part in parts.values()))


def run_part(name: str, device: str, limit: float, command: Sequence[str] = COMMAND) -> dict[str, Any]:
    """Its report, its state (`ok`, `no device`, or how it ended), and its seconds."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*command, name, device], capture_output=True, text=True, timeout=max(1.0, limit), check=False
        )
    except subprocess.TimeoutExpired:
        return _report(f"took more than {limit:.0f} s", began)
    if done.returncode == 0:
        return {**_report("ok", began), **json.loads(done.stdout.splitlines()[-1])}
    last = (done.stderr.strip().splitlines() or ["no word"])[-1]
    state = "no device" if done.returncode == 2 else f"exit code {done.returncode}"
    return _report(state, began, error=last)


def _report(state: str, began: float, **more: object) -> dict[str, Any]:
    return {
        "state": state,
        "seconds": round(time.monotonic() - began, 1),
        "figures": {},
        "failures": [],
        **more,
    }


def _say(name: str, part: Mapping[str, Any]) -> None:
    """One line a part, and one for each figure that is not as it has to be."""
    sys.stderr.write(f"{name}: {part['state']}, {part['seconds']} s {part.get('error', '')}\n")
    for failure in part["failures"]:
        sys.stderr.write(f"  {failure}\n")
    sys.stderr.flush()


def _write(name: str, found: Mapping[str, Any]) -> None:
    text = json.dumps(found, indent=1) + "\n"
    if name == "-":
        sys.stdout.write(text)
    else:
        Path(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
