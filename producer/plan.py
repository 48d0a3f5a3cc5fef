"""Planning: from footers and headers alone, never from rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from common.console.progress import progress
from common.run.planned_part import Part
from common.settings import S3Settings
from producer.images.siblings import Siblings
from producer.images.tar import is_tar, tar_of
from producer.memory import NOTHING, Memory
from producer.planner import BESIDE_TAR, Planned, Planner
from producer.useless import LeftOut

READERS = 32

log = structlog.get_logger(__name__)


def plan_files(
    addresses: Sequence[str],
    s3: S3Settings,
    siblings: Siblings,
    left_out: LeftOut,
    *,
    as_links: bool = False,
    memory: Memory = NOTHING,
) -> dict[str, Part]:
    """The plan of each part, by its address; those that are remembered are not opened.

    Args:
        addresses: of parquet files and tars.
        s3: where S3 is.
        siblings: the files beside them.
        left_out: takes those with nothing to caption.
        as_links: read files that hold images, or lie beside a tar of them, as lists of links.
        memory: of this run.

    Raises:
        PartError: a part is missing, no parquet or tar, or has neither links nor images.
    """
    planner = Planner(s3, siblings, memory, as_links)
    tars = frozenset() if as_links else frozenset(filter(is_tar, addresses))
    lists = frozenset(one for one in addresses if tar_of(one) in tars and not is_tar(one))
    with progress("reading footers", len(addresses)) as advance, ThreadPoolExecutor(READERS) as pool:
        plan_all = partial(_plan_all, planner, pool, advance)
        found = plan_all(address for address in addresses if address not in lists)
        found |= {one: Planned(found[tar_of(one)].part, [BESIDE_TAR]) for one in _taken(lists, found)}
        found |= plan_all(lists - found.keys())
    for useless in (planned.useless for planned in found.values() if planned.useless):
        left_out.add(useless)
    for remark, parts in Counter(remark for planned in found.values() for remark in planned.remarks).items():
        log.warning(remark, parts=parts)
    return {address: part for address in addresses if (part := found[address].part) is not None}


def plan_parts(addresses: Sequence[str], s3: S3Settings) -> dict[str, Part]:
    """The plan of each part, by its address; those with nothing to caption are left out and counted.

    Raises:
        PartError: as `plan_files`; or all are of no use.
    """
    left_out = LeftOut()
    parts = plan_files(addresses, s3, Siblings(s3), left_out)
    left_out.report(is_all=not parts)
    return parts


def plan_part(address: str, s3: S3Settings) -> Part:
    """Rows and fingerprint of one part, from its footer."""
    return plan_parts([address], s3)[address]


def limit_parts(parts: Iterable[Part], limit: int) -> list[Part]:
    """The first `limit` rows over all `parts`, in order."""
    kept: list[Part] = []
    for part in parts:
        if limit <= 0:
            break
        kept.append(part.model_copy(update={"rows": min(part.rows, limit)}))
        limit -= part.rows
    return kept


def _plan_all(
    planner: Planner, pool: ThreadPoolExecutor, advance: Callable[[int], None], addresses: Iterable[str]
) -> dict[str, Planned]:
    chosen, plans = list(addresses), dict[str, Planned]()
    for address, planned in zip(chosen, pool.map(planner.plan, chosen), strict=True):
        plans[address] = planned
        advance(1)
    return plans


def _taken(lists: Iterable[str], found: Mapping[str, Planned]) -> list[str]:
    """The lists that are the rows of the tar beside them, which was planned already."""
    return [one for one in lists if (part := found[tar_of(one)].part) and _is_list_of(one, part)]


def _is_list_of(address: str, part: Part) -> bool:
    return part.beside is not None and part.beside.address == address
