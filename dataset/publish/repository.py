"""A data set's repository on the Hub: its visibility, its files, one commit that changes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.errors import FleetError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

KIND = "dataset"


@dataclass(frozen=True)
class Repository:
    """The head of the main branch.

    Attributes:
        address: for people.
        head: the commit.
        files: what tells a file's content, by path: its SHA-256, or a small file's Git object id.
    """

    api: "HfApi"
    name: str
    address: str
    head: str
    files: dict[str, str]

    def commit(self, additions: Sequence["CommitOperationAdd"], gone: Iterable[str], message: str) -> None:
        """Add and delete in one step, so that no reader ever sees a part of it.

        Raises:
            Exception: of the Hub's client; also where somebody else has committed meanwhile.
        """
        from huggingface_hub import CommitOperationDelete  # noqa: PLC0415 - slow to import

        deletions = [CommitOperationDelete(path_in_repo=path) for path in gone]
        self.api.create_commit(
            self.name,
            [*additions, *deletions],
            commit_message=message,
            repo_type=KIND,
            parent_commit=self.head,
        )


def open_repository(name: str, *, public: bool) -> Repository:
    """The data set `name` (owner/name), which is made if need be.

    Raises:
        FleetError: it is there, and is public where it should be private or the other way round.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415
    from huggingface_hub.errors import RepositoryNotFoundError  # noqa: PLC0415

    api = HfApi()
    try:
        info = api.dataset_info(name, files_metadata=True)
    except RepositoryNotFoundError:
        api.create_repo(name, repo_type=KIND, private=not public)
        info = api.dataset_info(name, files_metadata=True)
    _require_visibility(name, private=bool(info.private), public=public)
    files = {one.rfilename: one.lfs.sha256 if one.lfs else one.blob_id or "" for one in info.siblings or []}
    return Repository(api, name, f"{api.endpoint}/datasets/{name}", info.sha or "", files)


def _require_visibility(name: str, *, private: bool, public: bool) -> None:
    if private and public:
        raise FleetError(f"{name}: is private on the Hub; change that in its settings, or leave out --public")
    if not private and not public:
        raise FleetError(f"{name}: is public on the Hub; change that in its settings, or give --public")
