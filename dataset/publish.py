"""A merged data set onto the Hugging Face Hub: the card and the data files, and nothing else of the place."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import FleetError, StoreError
from common.part import open_part
from common.progress import progress
from common.settings import S3Settings
from common.store import Entry, Store
from common.store.scratch import scratch
from dataset.data_file import require_files
from dataset.merged import CARD_KEY, require_merged

if TYPE_CHECKING:
    from huggingface_hub import HfApi

KIND = "dataset"
AGAIN = "start again, what the Hub has stays there"
LOG_IN = "log in with `hf auth login`, with a token that may write"
REFUSED = frozenset({401, 403})


@dataclass(frozen=True)
class Upload:
    """What would go, or has gone, to a repository of the Hub."""

    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.files)


def plan_upload(store: Store, s3: S3Settings) -> Upload:
    """The card first, then the data files.

    Raises:
        FleetError: the merge is not finished, a file is not its own, or its card is missing.
    """
    merged = require_merged(store)
    require_files(store, merged.files, s3)
    card = store.read(CARD_KEY)
    if card is None:
        raise FleetError(f"{store.uri}/{CARD_KEY}: no card; write one with `dataset card`")
    sizes = {entry.key: entry.size for entry in store.list("data")}
    return Upload((Entry(CARD_KEY, len(card)), *(Entry(key, sizes[key]) for key in merged.keys)))


def publish(store: Store, upload: Upload, repo: str, s3: S3Settings, *, private: bool) -> str:
    """Upload into the data set `repo` (owner/name), which is made if need be; returns its address.

    Doing it again after an interruption sends only what the Hub lacks.

    Raises:
        StoreError: the Hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415 - slow to import, and rarely needed

    api = HfApi()
    keys = [entry.key for entry in upload.files]
    with _hub_errors(repo):
        address = str(api.create_repo(repo, repo_type=KIND, private=private, exist_ok=True))
        if store.uri.startswith("s3://"):
            _upload_from_s3(api, repo, store, keys, s3)
        else:
            api.upload_folder(repo_id=repo, folder_path=store.uri, repo_type=KIND, allow_patterns=keys)
    return address


def _upload_from_s3(api: "HfApi", repo: str, store: Store, keys: Sequence[str], s3: S3Settings) -> None:
    """One file at a time through the local disk: the Hub's client hashes a file before it sends it."""
    with scratch(store) as folder, progress("publishing files", len(keys)) as advance:
        for key in keys:
            file = folder / Path(key).name
            with open_part(f"{store.uri}/{key}", s3) as (source, _), file.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            api.upload_file(path_or_fileobj=file, path_in_repo=key, repo_id=repo, repo_type=KIND)
            file.unlink()
            advance(1)


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415

    try:
        yield
    except FleetError:
        raise
    except HFValidationError as error:
        raise FleetError(f"{repo}: {error}; write the repository as owner/name") from error
    except Exception as error:  # which HTTP library the Hub's client uses is not ours to know
        raise StoreError(f"{repo}: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    """What went wrong, which the client wraps once or not at all, and what to do."""
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    for cause in (error, error.__cause__):
        if isinstance(cause, HfHubHTTPError):
            status = cause.response.status_code
            cure = LOG_IN if status in REFUSED else AGAIN
            return f"the Hub answered {status}: {cause.server_message or cause}; {cure}"
    cause = error.__cause__ or error
    return f"{cause.__class__.__name__}: {cause}; {AGAIN}"
