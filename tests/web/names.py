"""Names of our own, answered as `socket.getaddrinfo` would."""

import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = Sequence[str] | Exception


@dataclass
class Names:
    """Name to its answers, one a lookup and the last for ever: a list of two or more is a rebinding name."""

    answers: Mapping[str, Sequence[Answer]]
    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, host: str, port: int, *_: Any) -> list[tuple[Any, ...]]:
        name = host.rstrip(".")
        turn = self.asked[name]
        self.asked[name] += 1
        if name not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.answers[name]
        answer = answers[min(turn, len(answers) - 1)]
        if isinstance(answer, Exception):
            raise answer
        return [_info(address, port) for address in answer]


def _info(address: str, port: int) -> tuple[Any, ...]:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
