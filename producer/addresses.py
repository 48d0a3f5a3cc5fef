"""From arguments to the addresses of parts: files, folders, trees and globs, local, s3:// and hf://."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, MutableMapping
from contextlib import nullcontext, suppress
from pathlib import Path

import structlog

from common.errors import StoreError
from common.run.fingerprint import Fingerprint
from common.run.hub import find_on_hub, is_folder_on_hub
from common.run.layout import INPUT, STAGED
from common.run.part import PartError
from common.settings import S3Settings
from common.store import absolute_path, is_s3, is_under
from producer.bucket import list_folder
from producer.folders import walk
from producer.images.named import ImageSet, join
from producer.pattern import WILD, Pattern
from producer.selection import Reason, Selection

OWN_INPUT = (INPUT, STAGED)
"""Folders of a run whose files may be parts of it, where a person names them."""

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
    selections = {argument: _select(argument, s3, output, seen) for argument in map(_require_utf8, arguments)}
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


def _select(
    argument: str, s3: S3Settings, output: str, listed: MutableMapping[str, Fingerprint]
) -> Selection:
    if is_s3(argument):
        return _select_on_s3(argument, s3, output, listed)
    if argument.startswith("hf://"):
        return _select_on_hub(argument, listed)
    if "://" in argument.removeprefix("file://"):
        raise PartError(f"{argument}: a part is a path, a quoted glob, s3://bucket/key or hf://datasets/...")
    return _select_path(absolute_path(argument.removeprefix("file://")), output)


def _select_path(path: str, output: str) -> Selection:
    exists = Path(path).exists()
    pattern = Pattern(path) if exists else Pattern.parse(path)
    selection = Selection(pattern, _output_test(path, output))
    selection.is_there = exists
    if exists and not Path(path).is_dir():
        selection.take(path)
    elif exists or WILD.search(path):
        walk(selection)
    return selection


def _select_on_s3(
    argument: str, s3: S3Settings, output: str, listed: MutableMapping[str, Fingerprint]
) -> Selection:
    address = argument.rstrip("/")
    selection = Selection(Pattern.parse(address), _output_test(address, output))
    found: dict[str, Fingerprint] = {}
    with suppress(StoreError) if not WILD.search(address) else nullcontext():  # reading takes fewer rights
        found = dict(list_folder(selection.pattern.root, s3))
    listed.update(found)
    if address in found or not (found or argument.endswith("/")):
        selection.take(address)
    else:
        selection.add_all(found)
    return selection


def _select_on_hub(argument: str, listed: MutableMapping[str, Fingerprint]) -> Selection:
    pattern = Pattern.parse(argument.rstrip("/"))
    if not pattern.steps and not is_folder_on_hub(pattern.root):
        selection = Selection(pattern, lambda _: False)
        selection.take(pattern.root)
        return selection
    root, files = find_on_hub(pattern.root)
    listed.update(files)
    selection = Selection(Pattern(root, pattern.steps), lambda _: False)
    selection.add_all(files)
    return selection


def _output_test(named: str, output: str) -> Callable[[str], bool]:
    """A predicate: whether a path belongs to the run, given the argument `named`."""
    inputs = (f"{output}/{folder}" for folder in OWN_INPUT)
    if not output or any(is_under(named, folder) for folder in inputs):
        return lambda _: False
    if is_s3(output):
        return lambda path: is_under(path, output)
    real = os.path.realpath(output)
    return lambda path: is_under(os.path.realpath(path), real)


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
