"""The planned and the present shards of a run, foreign objects included."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common.console.words import quote
from common.errors import FleetError
from common.run.batch_state import dead_batches
from common.run.bundle import read_objects
from common.run.layout import PARTS, SHARDS
from common.run.manifest import Run, parse_part
from common.run.numbering import Numbering
from common.store import Store


@dataclass(slots=True)
class Inventory:
    """The output of a run, by the numbers of its batches."""

    sizes: "array[int]"
    """Bytes of each batch's shard; -1 where there is none."""
    done: int
    dead: int
    strangers: list[str]


def number_parts(store: Store, run: Run, complain: Callable[[str], None]) -> Numbering:
    """The batches of every part that can be read, by the names of the parts: alike at every try."""
    numbering = Numbering([], run.batch_rows)
    for key, found in sorted(_read_plans(store), key=lambda plan: plan[0]):
        try:
            if isinstance(found, FleetError):
                raise found
            numbering.add(*found)
        except FleetError as error:
            name = key.removeprefix(f"{PARTS}/").removesuffix(".json")
            complain(f"part {quote(name)}: {error}")
    return numbering


def _read_plans(store: Store) -> Iterator[tuple[str, tuple[str, int] | FleetError]]:
    """By key: id and rows of each part, or why they cannot be read."""
    for key, body in read_objects(store, PARTS, ()):
        try:
            part = parse_part(store, key, body)
            yield key, (part.id, part.rows)
        except FleetError as error:
            yield key, error


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
