"""The planned and the present shards of a run, foreign objects included."""

from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from common.console.words import quote
from common.errors import FleetError
from common.run.batch_state import dead_batches
from common.run.layout import PARTS, SHARDS
from common.run.manifest import Run, read_part
from common.run.numbering import Numbering
from common.store import Store

READERS = 16


@dataclass(slots=True)
class Inventory:
    """The output of a run, by the numbers of its batches."""

    sizes: "array[int]"
    """Bytes of each batch's shard; -1 where there is none."""
    done: int
    dead: int
    strangers: list[str]


def number_parts(store: Store, run: Run, complain: Callable[[str], None]) -> Numbering:
    """The batches of every part that can be read."""
    numbering = Numbering([], run.batch_rows)
    names = [
        entry.key.removeprefix(f"{PARTS}/").removesuffix(".json")
        for entry in sorted(store.list(PARTS), key=lambda entry: entry.key)
    ]
    with ThreadPoolExecutor(READERS) as pool:
        for name, found in zip(names, pool.map(lambda name: _read(store, name), names), strict=True):
            try:
                if isinstance(found, FleetError):
                    raise found
                if found is not None:
                    numbering.add(*found)
            except FleetError as error:
                complain(f"part {quote(name)}: {error}")
    return numbering


def _read(store: Store, name: str) -> tuple[str, int] | FleetError | None:
    try:
        part = read_part(store, name)
    except FleetError as error:
        return error
    return None if part is None else (part.id, part.rows)


def take_inventory(store: Store, numbering: Numbering) -> Inventory:
    sizes, strangers = array("q", [-1]) * numbering.total, []

    def batch_numbers() -> Iterator[str]:
        for entry in store.list(SHARDS):
            if entry.key.endswith(".parquet"):
                batch = entry.key.removeprefix(f"{SHARDS}/").removesuffix(".parquet")
                number = numbering.number(batch)
                if number is None:
                    strangers.append(batch)
                else:
                    sizes[number] = entry.size
                    yield batch

    dead = numbering.bits(dead_batches(store))
    return Inventory(sizes, numbering.bits(batch_numbers()), dead, sorted(strangers))
