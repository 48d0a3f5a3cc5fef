"""Lists of links that are no parquet as planned parts: each is converted once, into the run's `input/`."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from common.console.progress import progress
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from producer.copies import require_copy
from producer.lists import Kind, LinkList, convert, look_at_list, made_key
from producer.plan import plan_parts
from producer.useless import LeftOut


@dataclass(frozen=True, slots=True)
class ListPlanner:
    """Looks at all lists, then converts them.

    Args:
        store: of the run.
        batch_rows: of the run.
        s3: where S3 is.
        skip_bad_lines: count lines that cannot be read instead of refusing the list.
        left_out: takes lists without rows.
    """

    store: Store
    batch_rows: int
    s3: S3Settings
    skip_bad_lines: bool
    left_out: LeftOut

    def look_at(self, kinds: Mapping[str, Kind]) -> list[LinkList]:
        """The lists at these addresses that are not empty.

        Raises:
            PartError: one cannot be used; or is empty, and was not when it was converted.
        """
        lists = []
        for address, kind in kinds.items():
            with nullcontext() if self.store.exists(made_key(address)) else self.left_out.collect():
                lists.append(look_at_list(address, kind, self.s3))
        return lists

    def plan(self, lists: Sequence[LinkList]) -> dict[str, Part]:
        """The part that is made from each list with rows, by the list's address.

        Raises:
            FleetError: a list cannot be read, or has changed since it was converted; nothing was written.
        """
        empty = self._convert_new([links for links in lists if not self.store.exists(links.key)])
        places = {one.address: f"{self.store.uri}/{one.key}" for one in lists if one not in empty}
        for links in lists:
            if links not in empty:
                require_copy(places[links.address], links.address, links.mark, self.s3)
        made = plan_parts(list(places.values()), self.s3) if places else {}
        return {address: made[place] for address, place in places.items()}

    def _convert_new(self, lists: Sequence[LinkList]) -> Collection[LinkList]:
        """Convert lists, and write the parts once all are made; those without rows are returned."""
        if not lists:
            return ()
        files: dict[LinkList, Path] = {}
        with scratch(self.store) as folder, progress("converting lists", len(lists)) as advance:
            for number, links in enumerate(lists):
                with self.left_out.collect():
                    file = folder / f"{number}.parquet"
                    convert(links, file, self.batch_rows, self.s3, skip_bad_lines=self.skip_bad_lines)
                    files[links] = file
                advance(1)
            for links, file in files.items():
                self.store.create_file(links.key, file)
        return set(lists) - files.keys()
