"""From arguments to the addresses of parts: files, folders, trees and globs, local, s3:// and hf://."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from pathlib import Path

import structlog

from common.errors import StoreError
from common.run.hub import find_on_hub, is_folder_on_hub
from common.run.layout import INPUT, STAGED
from common.run.part import PartError
from common.settings import S3Settings
from common.store import absolute_path, is_s3, is_under
from producer.bucket import list_folder
from producer.folders import walk
from producer.pattern import WILD, Pattern
from producer.selection import Reason, Selection

OWN_INPUT = (INPUT, STAGED)
"""Folders of a run whose files may be parts of it, where a person names them."""

log = structlog.get_logger(__name__)


def expand(arguments: Iterable[str], s3: S3Settings, output: str = "") -> list[str]:
    """Absolute addresses of all parts named, each once, those of a folder or glob in alphabetical order.

    Names that begin with a dot or an underscore, and what the run at `output` wrote, are left out of folders
    and globs, and counted in one log line.

    Args:
        arguments: as typed.
        s3: where S3 is.
        output: absolute URI of the run that they are for.

    Raises:
        PartError: an argument names nothing, or a name is not UTF-8.
    """
    found: list[str] = []
    left_out: Counter[Reason] = Counter()
    for argument in map(_require_utf8, arguments):
        selection = _select(argument, s3, output)
        if not selection.taken:
            raise PartError(f"{argument}: {_explain_nothing(selection)}")
        found += sorted(selection.taken)
        left_out += selection.left_out
    if left_out:
        log.warning("left out of the parts", **{reason.value: count for reason, count in left_out.items()})
    return [_require_utf8(address) for address in dict.fromkeys(found)]


def _select(argument: str, s3: S3Settings, output: str) -> Selection:
    if is_s3(argument):
        return _select_on_s3(argument, s3, output)
    if argument.startswith("hf://"):
        return _select_on_hub(argument)
    if "://" in argument.removeprefix("file://"):
        raise PartError(f"{argument}: a part is a path, a quoted glob, s3://bucket/key or hf://datasets/...")
    return _select_path(absolute_path(argument.removeprefix("file://")), output)


def _select_path(path: str, output: str) -> Selection:
    exists = Path(path).exists()
    pattern = Pattern(path) if exists else Pattern.parse(path)
    selection = Selection(pattern, _output_test(path, output))
    if exists and not Path(path).is_dir():
        selection.take(path)
    elif exists or WILD.search(path):
        walk(selection)
    return selection


def _select_on_s3(argument: str, s3: S3Settings, output: str) -> Selection:
    address = argument.rstrip("/")
    selection = Selection(Pattern.parse(address), _output_test(address, output))
    found: list[str] = []
    with suppress(StoreError) if not WILD.search(address) else nullcontext():  # reading takes fewer rights
        found = list(list_folder(selection.pattern.root, s3))
    if address in found or not (found or argument.endswith("/")):
        selection.take(address)
    else:
        selection.add_all(found)
    return selection


def _select_on_hub(argument: str) -> Selection:
    pattern = Pattern.parse(argument.rstrip("/"))
    if not pattern.steps and not is_folder_on_hub(pattern.root):
        selection = Selection(pattern, lambda _: False)
        selection.take(pattern.root)
        return selection
    root, files = find_on_hub(pattern.root)
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
        return f"no parquet file there ({others}); name other files by a glob, as '*.csv'"
    return "no such part; check the address (globs must match a file)"


def _require_utf8(address: str) -> str:
    try:
        address.encode()
    except UnicodeEncodeError as error:
        shown = address.encode(errors="backslashreplace").decode()
        raise PartError(f"{shown}: the name of this file is not UTF-8; rename it") from error
    return address
