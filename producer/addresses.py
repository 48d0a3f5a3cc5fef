"""From arguments to the addresses of parts: files, folders, trees and globs, local, s3:// and hf://."""

from collections import Counter
from collections.abc import Collection, Iterable, MutableMapping

import structlog

from common.run.fingerprint import Fingerprint
from common.run.part import PartError
from common.settings import S3Settings
from producer.images.named import ImageSet, join
from producer.named_files import select_files
from producer.selection import Reason, Selection

log = structlog.get_logger(__name__)


def expand(
    arguments: Iterable[str],
    s3: S3Settings,
    output: str = "",
    listed: MutableMapping[str, Fingerprint] | None = None,
) -> list[str | ImageSet]:
    """Absolute addresses of all parts named, each once, those of a folder or glob in alphabetical order.

    Images are one set for each folder or glob; those beside parts are left out. So are names that begin with
    a dot or an underscore, and what the run at `output` wrote; all are counted in one log line.

    Args:
        arguments: as typed.
        s3: where S3 is.
        output: absolute URI of the run that they are for.
        listed: takes the version of each file that a listing shows, by address.

    Raises:
        PartError: an argument names nothing, or a name is not UTF-8.
    """
    seen = {} if listed is None else listed
    selections = {
        argument: select_files(argument, s3, output, seen) for argument in map(_require_utf8, arguments)
    }
    found = [part for selection in selections.values() for part in _parts(selection)]
    for argument, selection in selections.items():
        if selection.is_empty and not (found and selection.is_there):
            raise PartError(f"{argument}: {_explain_nothing(selection)}")
    _log_left_out(selections.values())
    return join(found)


def _parts(selection: Selection) -> list[str | ImageSet]:
    """What one argument names."""
    if selection.is_empty:
        return []
    selection.leave_metadata()
    if selection.taken:
        selection.leave_images()
        return [_require_utf8(address) for address in sorted(selection.taken)]
    root, steps = selection.pattern.root, selection.pattern.steps
    images = list(map(_require_utf8, selection.images))
    if images == [root]:
        folder = root.rpartition("/")[0]
        return [ImageSet.of(f"{folder}/", folder, images, is_whole=False)]
    return [ImageSet.of("/".join([root, *(steps or [""])]), root, images, is_whole=not steps)]


def _log_left_out(selections: Collection[Selection]) -> None:
    left_out = sum((selection.left_out for selection in selections), Counter[Reason]())
    nothing_in = sum(selection.is_empty for selection in selections)
    counts = {reason.value: count for reason, count in left_out.items()}
    if nothing_in:
        counts["without_parts"] = nothing_in
    if counts:
        log.warning("left out of the parts", **counts)


def _explain_nothing(selection: Selection) -> str:
    """Why an argument names no part."""
    left = selection.left_out
    if left[Reason.OUTPUT]:
        return "what the run itself wrote; name the lists of links, not --output"
    if left:
        others = f"{left[Reason.HIDDEN]} hidden and {left[Reason.OTHER]} other files left out"
        return f"no parquet, tar or image there ({others}); name other files by a glob, as '*.csv'"
    return "no such part; check the address (globs must match a file)"


def _require_utf8(address: str) -> str:
    try:
        address.encode()
    except UnicodeEncodeError as error:
        shown = address.encode(errors="backslashreplace").decode()
        raise PartError(f"{shown}: the name of this file is not UTF-8; rename it") from error
    return address
