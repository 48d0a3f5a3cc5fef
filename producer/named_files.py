"""The files that one argument names: on disk, on S3 or on the Hugging Face Hub."""

import os
from collections.abc import Callable, MutableMapping
from contextlib import nullcontext, suppress
from pathlib import Path

from common.errors import StoreError
from common.run.fingerprint import Fingerprint
from common.run.hub import find_on_hub, is_folder_on_hub
from common.run.layout import INPUT, STAGED
from common.run.part import PartError
from common.settings import S3Settings
from common.store import absolute_path, is_s3, is_under
from producer.bucket import list_folder
from producer.folders import walk
from producer.pattern import WILD, Pattern
from producer.selection import Selection

OWN_INPUT = (INPUT, STAGED)
"""Folders of a run whose files may be parts of it, where a person names them."""


def select_files(
    argument: str, s3: S3Settings, output: str, listed: MutableMapping[str, Fingerprint]
) -> Selection:
    """The files that an argument names, of which nothing that the run at `output` wrote.

    Raises:
        PartError: it is no address, or a folder cannot be read.
        StoreError: the place cannot be reached.
    """
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
