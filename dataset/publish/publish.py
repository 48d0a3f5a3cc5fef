"""A merged data set onto the Hugging Face Hub: exactly the card and the data files of one version.

The files go first, each at its own time. Then one commit adds them, deletes the data files that are not
of this version and sets the card.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from common.errors import FleetError
from common.settings import S3Settings
from common.store import Entry, Store
from dataset.card.card import render_card
from dataset.card.card_file import is_edited, read_texts
from dataset.files.data_file import read_tally, require_files
from dataset.files.folder import require_merged
from dataset.files.keys import CARD_KEY, DATA
from dataset.files.merged import Merged
from dataset.publish.hub_errors import hub_errors
from dataset.publish.repository import Repository, open_repository
from dataset.publish.uploads import Uploader

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd


@dataclass(frozen=True)
class Upload:
    """An upload to a repository of the Hub, planned or done."""

    merged: Merged
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
        raise FleetError(f"{store.uri}/{CARD_KEY}: no card; write one with `dataset card --write`")
    sizes = {entry.key: entry.size for entry in store.list(DATA)}
    entries = (Entry(CARD_KEY, len(card)), *(Entry(key, sizes[key]) for key in merged.keys))
    return Upload(merged, entries)


def publish(
    store: Store, upload: Upload, repo: str, s3: S3Settings, *, public: bool, contact: str | None = None
) -> str:
    """Make the data set `repo` (owner/name) of the Hub this version; returns its address.

    Doing it again after an interruption sends only what the Hub lacks.

    Args:
        store: of the data set.
        upload: what `plan_upload` found there.
        repo: on the Hub; made if need be.
        s3: where S3 is.
        public: whether everybody may see it; one that is there must agree.
        contact: where to ask for removals; None is the card's own.

    Raises:
        FleetError: no contact of a public data set, or the repository is public or private against the wish.
        StoreError: the Hub refuses or cannot be reached.
    """
    card = _card(store, upload.merged, repo, s3, contact=contact)
    if public:
        _require_contact(store, card, contact)
    with hub_errors(repo):
        repository = open_repository(repo, public=public)
        additions = Uploader(store, repository, s3).send(upload.merged.files)
        store.replace(CARD_KEY, card)
        _commit(repository, upload.merged, additions, card)
    return repository.address


def _card(store: Store, merged: Merged, repo: str, s3: S3Settings, *, contact: str | None) -> bytes:
    """The card, which now knows the repository; a card with a person's words goes as it is."""
    card = store.read(CARD_KEY) or b""
    if is_edited(card):
        return card
    texts = replace(read_texts(card), repo=repo)
    if contact is not None:
        texts = replace(texts, contact=contact)
    return render_card(merged, read_tally(store, merged.files, s3), texts).encode()


def _require_contact(store: Store, card: bytes, contact: str | None) -> None:
    named = contact or read_texts(card).contact
    if not named:
        raise FleetError("--public: requests for removal need an address; give --contact")
    if is_edited(card) and named.encode() not in card:
        raise FleetError(
            f"{store.uri}/{CARD_KEY}: edited, and does not name {named}; write the contact into it"
        )


def _commit(
    repository: Repository, merged: Merged, additions: "list[CommitOperationAdd]", card: bytes
) -> None:
    from huggingface_hub import CommitOperationAdd  # noqa: PLC0415 - slow to import, and rarely needed

    here = {path for path in repository.files if path.startswith(f"{DATA}/")}
    gone = sorted(here - set(merged.keys))
    if additions or gone or repository.files.get(CARD_KEY) != _git_object(card):
        new_card = CommitOperationAdd(path_in_repo=CARD_KEY, path_or_fileobj=card)
        message = f"Version {merged.version}: {merged.counts.rows_out:,} rows"
        repository.commit([new_card, *additions], gone, message)


def _git_object(body: bytes) -> str:
    """Git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
