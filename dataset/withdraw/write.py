"""Writing the version without the withdrawn rows: in place, or in a place of its own."""

from collections.abc import Iterator
from pathlib import Path

from common.console.progress import progress
from common.errors import FleetError
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from dataset.card.card import update_card
from dataset.files.data_file import require_files
from dataset.files.download import download
from dataset.files.folder import read_merged, require_own_files
from dataset.files.kept_file import KeptFile
from dataset.files.keys import CARD_KEY, MERGE_KEY
from dataset.files.merged import DataFile, Merged
from dataset.files.rewrite import write_files
from dataset.version import begin, commit, rewritten_key
from dataset.withdraw.denials import Denials


def write_in_place(denials: Denials, version: Merged) -> None:
    """New files, then the record, then the old files go."""
    store, s3 = denials.store, denials.s3
    begin(store, version)
    with scratch(store) as folder:
        write_files(store, version, list(_new_files(denials, version)), folder, s3)
    commit(store, version, s3)


def write_elsewhere(denials: Denials, version: Merged, output: Store) -> None:
    """The whole version in `output`, where nothing has to be deleted.

    Raises:
        FleetError: another data set is there.
    """
    s3, old = denials.s3, denials.merged.files
    require_own_files(output, read_merged(output))
    if not output.create(MERGE_KEY, version.to_json()) and read_merged(output) != version:
        raise FleetError(f"{output.uri}: holds another data set; give another --output")
    with scratch(output) as folder:
        _copy(denials.store, output, [file for file in version.files if file in old], folder, s3)
        write_files(output, version, list(_new_files(denials, version)), folder, s3)
    output.create(CARD_KEY, denials.store.read(CARD_KEY) or b"")
    update_card(output, version, s3)


def _new_files(denials: Denials, version: Merged) -> Iterator[KeptFile]:
    old = {rewritten_key(file.key, version.version): file for file in denials.merged.files}
    for file in version.files:
        if file not in denials.merged.files:
            yield KeptFile(file, denials.store, old[file.key], denials.columns, denials.keeps, denials.s3)


def _copy(store: Store, output: Store, files: list[DataFile], folder: Path, s3: S3Settings) -> None:
    """Files that lose nothing, byte for byte."""
    with progress("copying files", len(files)) as advance:
        for file in files:
            if output.exists(file.key):
                require_files(output, [file], s3)
            else:
                _copy_file(store, output, file, folder / Path(file.key).name, s3)
            advance(1)


def _copy_file(store: Store, output: Store, file: DataFile, path: Path, s3: S3Settings) -> None:
    download(f"{store.uri}/{file.key}", path, s3)
    output.create_file(file.key, path)
    path.unlink()
