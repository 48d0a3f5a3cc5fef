"""Signs inside images that refuse most of a local input: an archive of one's own often carries them."""

from collections import Counter
from collections.abc import Iterator, Sequence

import structlog

from common.run.manifest import Run
from common.run.planned_part import Part
from common.run.shard_rows import DAMAGED, open_shard_file, read_rows
from common.run.status import Status
from common.signs import SIGNS, Where, sign_of
from common.store import Store

ROWS = 10_000
INSIDE = frozenset(sign.family.value for sign in SIGNS if sign.where is Where.IMAGE)

log = structlog.get_logger(__name__)


def warn_of_signs(store: Store, run: Run, parts: Sequence[Part]) -> None:
    """Log the sign and the setting where more than half of the images that are here were refused."""
    held = [part for part in parts if part.kind != "links"]
    refused: Counter[str] = Counter()
    images = 0
    for status, error in _outcomes(store, run, held):
        images += status != Status.NO_IMAGE
        if status == Status.OPT_OUT and sign_of(error or "") in INSIDE:
            refused[sign_of(error or "")] += 1
    if 2 * refused.total() > images:
        sign = refused.most_common(1)[0][0]
        log.warning(
            "most images refuse by a sign inside them; if they are yours, honour it no longer",
            images=images,
            refused=refused.total(),
            sign=sign,
            setting=f"FLEET_MANNERS_SIGNS=all,{','.join(f'-{name}' for name in _names(sign))}",
        )


def _names(sign: str) -> list[str]:
    return [one.name for one in SIGNS if one.family.value == sign]


def _outcomes(store: Store, run: Run, parts: Sequence[Part]) -> Iterator[tuple[str, str | None]]:
    for batch in (batch for part in parts for batch in part.batches(run.batch_rows)):
        file = store.open_ranges(batch.shard_key)
        if file is None:
            continue
        try:
            with file:
                for rows in read_rows(open_shard_file(file), ("status", "error"), ROWS):
                    yield from zip(rows["status"].to_pylist(), rows["error"].to_pylist(), strict=True)
        except DAMAGED:
            log.warning("not a readable shard; run `producer verify`", shard=batch.id)
