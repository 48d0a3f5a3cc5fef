"""Arguments as planned parts: parquet in place, lists converted into parts."""

from collections.abc import Mapping, Sequence

from common.console.progress import progress
from common.run.part import PartError
from common.run.planned_part import Part
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from producer.copies import require_copy
from producer.images.folder import index_images, write_index
from producer.images.named import ImageSet
from producer.images.siblings import Siblings
from producer.images.tar import is_tar
from producer.lists import LinkList, convert, kind_of, look_at_list
from producer.memory import NOTHING, Memory
from producer.options import EnqueueOptions
from producer.plan import limit_parts, plan_parts


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
    siblings = Siblings(s3)
    kinds = {address: kind for address in named if isinstance(address, str) and (kind := kind_of(address))}
    lists = {address: look_at_list(address, kind, s3) for address, kind in kinds.items()}
    indexes = {images: index_images(images, siblings, s3) for images in named if isinstance(images, ImageSet)}
    others = [address for address in named if isinstance(address, str) and address not in lists]
    if options.as_links:
        others = _without_tars(others)
    is_alone = not (lists or indexes)
    planned: dict[str | ImageSet, Part] = {}
    made = plan_parts(
        others, s3, siblings=siblings, as_links=options.as_links, is_alone=is_alone, memory=memory
    )
    planned |= {address: made[address] for address in made}
    if lists:
        places = _convert_all(list(lists.values()), store, batch_rows, s3, options)
        made = plan_parts(list(places.values()), s3)
        planned |= {address: made[place] for address, place in places.items()}
    planned |= {images: write_index(index, store, batch_rows, s3) for images, index in indexes.items()}
    parts = list({planned[part].id: planned[part] for part in named if part in planned}.values())
    return parts if options.limit_rows is None else limit_parts(parts, options.limit_rows)


def _without_tars(addresses: Sequence[str]) -> list[str]:
    links = [address for address in addresses if not is_tar(address)]
    if addresses and not links:
        raise PartError(f"{addresses[0]}: a tar holds images, not links; leave --as links out")
    return links


def _convert_all(
    lists: Sequence[LinkList], store: Store, batch_rows: int, s3: S3Settings, options: EnqueueOptions
) -> Mapping[str, str]:
    """The address of the part made from each list, by the list's; none is written unless all can be."""
    new = [links for links in lists if not store.exists(links.key)]
    if new:
        with scratch(store) as folder, progress("converting lists", len(new)) as advance:
            files = {links.key: folder / f"{number}.parquet" for number, links in enumerate(new)}
            for links in new:
                convert(links, files[links.key], batch_rows, s3, skip_bad_lines=options.skip_bad_lines)
                advance(1)
            for key, file in files.items():
                store.create_file(key, file)
    places = {links.address: f"{store.uri}/{links.key}" for links in lists}
    for links in lists:
        require_copy(places[links.address], links.address, links.mark, s3)
    return places
