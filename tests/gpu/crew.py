"""Several processes on one card, which work at the same time."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import torch


class Crew:
    """Processes of `tests.gpu.member`, loaded side by side and ready."""

    def __init__(self, device: torch.device, count: int) -> None:
        command = [sys.executable, "-m", "tests.gpu.member", str(device)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._members: list[subprocess.Popen[str]] = [
            subprocess.Popen(command, **pipes)  # type: ignore[call-overload]
            for _ in range(count)
        ]

    def __enter__(self) -> Self:
        for member in self._members:
            _read(member)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            member.kill()
            member.communicate()

    def work(self, orders: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
        """Answers of as many members as there are `orders`, all of which begin at once."""
        working = self._members[: len(orders)]
        for member, order in zip(working, orders, strict=True):
            assert member.stdin is not None
            member.stdin.write(json.dumps(order) + "\n")
            member.stdin.flush()
        return [json.loads(_read(member)) for member in working]


def _read(member: subprocess.Popen[str]) -> str:
    assert member.stdout is not None
    line = member.stdout.readline()
    if not line:
        raise RuntimeError(f"a process on the card ended with exit code {member.wait()}")
    return line
