"""Arguments as planned parts: parquet in place, lists converted into parts."""

from collections.abc import Sequence

from common.run.part import PartError
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import Store
from producer.images.folder import index_images, write_index
from producer.images.named import ImageSet
from producer.images.siblings import Siblings
from producer.images.tar import is_tar
from producer.list_planner import ListPlanner
from producer.lists import kind_of
from producer.memory import NOTHING, Memory
from producer.options import EnqueueOptions
from producer.plan import limit_parts, plan_files
from producer.useless import LeftOut


def plan_sources(
    named: Sequence[str | ImageSet],
    store: Store,
    batch_rows: int,
    s3: S3Settings,
    options: EnqueueOptions,
    *,
    memory: Memory = NOTHING,
) -> list[Part]:
    """The plan of every part, in order; lists are converted and folders indexed once all have been looked at.

    Raises:
        PartError: a part or list cannot be used; nothing was written.
        StoreError: a place cannot be reached or written.
        FleetError: the run holds a part that was made from another version of a list or folder.
    """
    siblings, left_out = Siblings(s3), LeftOut()
    list_planner = ListPlanner(store, batch_rows, s3, options.skip_bad_lines, left_out)
    kinds = {address: kind for address in named if isinstance(address, str) and (kind := kind_of(address))}
    lists = list_planner.look_at(kinds)
    indexes = {images: index_images(images, siblings, s3) for images in named if isinstance(images, ImageSet)}
    others = [address for address in named if isinstance(address, str) and address not in kinds]
    if options.as_links:
        others = _without_tars(others)
    files = plan_files(others, s3, siblings, left_out, as_links=options.as_links, memory=memory)
    files |= list_planner.plan(lists)
    left_out.report(is_all=not (files or indexes))
    folders = {images: write_index(index, store, batch_rows, s3) for images, index in indexes.items()}
    found = [folders[one] if isinstance(one, ImageSet) else files.get(one) for one in named]
    parts = list({part.id: part for part in found if part}.values())
    return parts if options.limit_rows is None else limit_parts(parts, options.limit_rows)


def _without_tars(addresses: Sequence[str]) -> list[str]:
    links = [address for address in addresses if not is_tar(address)]
    if addresses and not links:
        raise PartError(f"{addresses[0]}: a tar holds images, not links; leave --as links out")
    return links
