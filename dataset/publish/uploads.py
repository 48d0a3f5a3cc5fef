"""Data files on their way to the Hub: each is read once, and once sent never again.

`upload/<file>.json` in the data set keeps a file's size, digest and first bytes. That is all the Hub
asks for, so that what it holds is neither read nor downloaded again, by whichever run of the command.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from common.console.progress import progress
from common.run.part import open_part
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from dataset.files.download import download
from dataset.files.merged import DataFile
from dataset.publish.repository import KIND, Repository

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd

UPLOADS = "upload"
SAMPLE = 512
"""First bytes, by which the Hub tells text from other files."""


class Identity(BaseModel):
    """A file's bytes, as the Hub knows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str | None
    """Of the file that this is said of."""
    size: int
    sha256: str
    sample: str
    """In base64."""


@dataclass(frozen=True)
class Uploader:
    """Sends files that a repository lacks."""

    store: Store
    repository: Repository
    s3: S3Settings

    def send(self, files: Sequence[DataFile]) -> list["CommitOperationAdd"]:
        """Send the files that the head of the repository lacks; returns the additions of its next commit."""
        additions: list[CommitOperationAdd] = []
        with scratch(self.store) as folder, progress("sending files", len(files)) as advance:
            for file in files:
                additions += self._send(file, folder)
                advance(1)
        return additions

    def _send(self, file: DataFile, folder: Path) -> Iterator["CommitOperationAdd"]:
        identity = self._read_identity(file)
        if identity is None:
            with self._local(file, folder) as path:
                yield from self._add(file, self._identify(file, path), str(path))
        elif self.store.uri.startswith("s3://"):
            with open_part(f"{self.store.uri}/{file.key}", self.s3) as (body, _):
                yield from self._add(file, identity, body)
        else:
            yield from self._add(file, identity, f"{self.store.uri}/{file.key}")

    def _add(
        self, file: DataFile, identity: Identity, body: "str | BinaryIO"
    ) -> Iterator["CommitOperationAdd"]:
        """Send the file unless the Hub has its bytes."""
        if self.repository.files.get(file.key) != identity.sha256:
            addition = make_addition(file.key, body, identity)
            self.repository.api.preupload_lfs_files(self.repository.name, [addition], repo_type=KIND)
            yield addition

    @contextmanager
    def _local(self, file: DataFile, folder: Path) -> Iterator[Path]:
        """The file on the local disk: from S3 for as long as it takes."""
        if not self.store.uri.startswith("s3://"):
            yield Path(self.store.uri, file.key)
            return
        path = folder / Path(file.key).name
        download(f"{self.store.uri}/{file.key}", path, self.s3)
        yield path
        path.unlink()

    def _read_identity(self, file: DataFile) -> Identity | None:
        try:
            identity = Identity.model_validate_json(self.store.read(_key(file)) or b"")
        except ValidationError:
            return None
        return identity if file.origin and identity.origin == file.origin else None

    def _identify(self, file: DataFile, path: Path) -> Identity:
        with path.open("rb") as body:
            sample = base64.b64encode(body.read(SAMPLE)).decode()
            body.seek(0)
            digest = hashlib.file_digest(body, "sha256").hexdigest()
        identity = Identity(origin=file.origin, size=path.stat().st_size, sha256=digest, sample=sample)
        self.store.replace(_key(file), identity.model_dump_json(indent=1).encode())
        return identity


def _key(file: DataFile) -> str:
    return f"{UPLOADS}/{Path(file.key).name}.json"


def make_addition(key: str, body: "str | BinaryIO", identity: Identity) -> "CommitOperationAdd":
    """An addition to a commit, by its identity: `body` is read only if the Hub asks for it."""
    from huggingface_hub import CommitOperationAdd  # noqa: PLC0415 - slow to import
    from huggingface_hub.lfs import UploadInfo  # noqa: PLC0415

    addition = CommitOperationAdd(path_in_repo=key, path_or_fileobj=b"")
    addition.path_or_fileobj = body
    addition.upload_info = UploadInfo(
        sha256=bytes.fromhex(identity.sha256), size=identity.size, sample=base64.b64decode(identity.sample)
    )
    return addition
