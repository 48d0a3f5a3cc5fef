"""Training and data mining assertions in C2PA manifests (C2PA 1.x, CAWG 1.1).

No signature is checked: an unsigned reservation is one too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import cbor2

from common.signs import Family, Honoured
from workers.fetch.signs.boxes import read_boxes

MAX_ASSERTION = 1 << 14
"""Bytes of one: CBOR's own expressions and keys of equal hashes cost 0.1 s in so many."""

MAX_ASSERTIONS = 16
"""Of a kind that is wanted, in one box."""

_PREFIXES = frozenset({"c2pa", "cawg"})
_KEYS = frozenset({"ai_inference", "ai_generative_training", "ai_training", "data_mining"})
_REFUSALS = frozenset({"notAllowed", "constrained"})
_STORE = "c2pa"
_ASSERTIONS = "c2pa.assertions"
_HAS_LABEL = 0x02
_DESCRIPTION_HEAD = 17  # a type's UUID, and the toggles


def find_c2pa_sign(jumbf: bytes, honoured: Honoured) -> str | None:
    """The entry of the active manifest that refuses, as `cawg.training-mining: ai_inference notAllowed`."""
    labels = honoured.words(Family.C2PA)
    found = ((label.partition("__")[0], body) for label, body in _active_assertions(memoryview(jumbf)))
    wanted = ((name, body) for name, body in found if name in labels)  # several of a kind are numbered
    for name, assertion in islice(wanted, MAX_ASSERTIONS):
        refusal = _find_refusal(assertion)
        if refusal is not None:
            return f"{name}: {refusal}"
    return None


def _active_assertions(jumbf: memoryview) -> Iterator[tuple[str, memoryview]]:
    """Label and content of the assertions of the last manifest."""
    for store in _find_by_label(jumbf, _STORE):
        manifests = [box.body for box in read_boxes(store) if box.kind == b"jumb"]
        for assertions in _find_by_label(manifests[-1], _ASSERTIONS) if manifests else ():
            for box in read_boxes(assertions):
                if box.kind == b"jumb":
                    yield _label(box.body), box.body


def _find_by_label(boxes: memoryview, label: str) -> Iterator[memoryview]:
    return (box.body for box in read_boxes(boxes) if box.kind == b"jumb" and _label(box.body) == label)


def _label(superbox: memoryview) -> str:
    description = next(read_boxes(superbox), None)
    if description is None or description.kind != b"jumd" or len(description.body) < _DESCRIPTION_HEAD:
        return ""
    if not description.body[_DESCRIPTION_HEAD - 1] & _HAS_LABEL:
        return ""
    label = bytes(description.body[_DESCRIPTION_HEAD : _DESCRIPTION_HEAD + 256])
    return label.partition(b"\0")[0].decode("utf-8", "replace")


def _find_refusal(assertion: memoryview) -> str | None:
    for box in read_boxes(assertion):
        read = _READERS.get(box.kind)
        if read is None:
            continue
        try:
            content = read(bytes(box.body[: MAX_ASSERTION + 1]))
        except Exception:  # noqa: BLE001 - of a decoder on hostile bytes, whatever it is
            return "unreadable"
        return _find_entry(content)
    return None


def _find_entry(content: Any) -> str | None:
    entries = content.get("entries") if isinstance(content, Mapping) else None
    for key, entry in entries.items() if isinstance(entries, Mapping) else ():
        prefix, _, name = str(key).partition(".")
        use = entry.get("use") if isinstance(entry, Mapping) else None
        if prefix in _PREFIXES and name in _KEYS and isinstance(use, str) and use in _REFUSALS:
            return f"{name} {use}"
    return None


_READERS: dict[bytes, Callable[[bytes], Any]] = {b"cbor": cbor2.loads, b"json": json.loads}
