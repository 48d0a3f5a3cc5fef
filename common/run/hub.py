"""Files on the Hugging Face Hub, with its errors as one line."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, cast

from common.errors import RefusedError, StoreError
from common.run.fingerprint import Fingerprint
from common.run.watched_file import WatchedFile

REFUSALS = frozenset({401, 403, 404})


@contextmanager
def hub_errors(address: str) -> Iterator[None]:
    """Turn exceptions of huggingface_hub and its HTTP client into one line; FileNotFoundError passes.

    Raises:
        RefusedError: the Hub does not show this to the token in use.
        StoreError: the Hub cannot be reached.
    """
    from httpx2 import HTTPError  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        yield
    except FileNotFoundError:
        raise
    except (HTTPError, OSError, ValueError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in REFUSALS:
            raise _refusal(address, f"it answered {status}") from error
        raise _unreachable(address, error) from error


def open_on_hub(address: str, buffer: int) -> tuple[BinaryIO, int, str | None]:
    """A repository file for random access in requests of `buffer` bytes, its size and its blob id.

    Raises:
        FileNotFoundError: there is no such file in its folder.
        RefusedError: the Hub shows neither the file nor its folder.
        StoreError: the Hub cannot be reached.
    """
    with hub_errors(address):
        hub = _file_system()
        try:
            info = hub.info(address)
        except FileNotFoundError:
            _require_neighbour(hub, address)
            raise
        raw = WatchedFile(hub.open(address, "rb", block_size=buffer), partial(_read_errors, address))
        return cast(BinaryIO, io.BufferedReader(raw, buffer)), info["size"], info.get("blob_id")


def is_folder_on_hub(address: str) -> bool:
    """Whether the address is a folder or a whole repository; False if it does not exist."""
    with hub_errors(address):
        try:
            return bool(_file_system().info(address)["type"] == "directory")
        except FileNotFoundError:
            return False


def find_on_hub(address: str) -> tuple[str, dict[str, Fingerprint]]:
    """A folder as the Hub spells it, and all files below it; none where it does not exist."""
    with hub_errors(address):
        hub = _file_system()
        try:
            root = hub.resolve_path(address).unresolve()
            found = hub.find(address, detail=True)
        except FileNotFoundError:
            return address, {}
    files = {f"hf://{name}": Fingerprint(info["size"], info.get("blob_id")) for name, info in found.items()}
    return f"hf://{root}", files


def _require_neighbour(hub: Any, address: str) -> None:
    """Raise unless the Hub shows the folder of a file that it says is missing.

    To a token without the right to read it the Hub says of a whole repository that it does not exist.
    """
    try:
        names = hub.ls(address.rpartition("/")[0], detail=False, refresh=True)
    except FileNotFoundError as error:
        raise _refusal(address, "it shows neither this file nor its folder") from error
    finally:
        hub.invalidate_cache()  # or a token of tomorrow would get the answer of today
    if not names or address.removeprefix("hf://") in names:
        raise _refusal(address, "it shows the folder without any other file")


def _refusal(address: str, reason: str) -> RefusedError:
    return RefusedError(
        f"{address}: the Hub refuses ({reason}); check HF_TOKEN, its right to read this repository,"
        " and the address"
    )


def _unreachable(address: str, error: Exception) -> StoreError:
    reason = " ".join(str(error).split())[:200]
    return StoreError(f"{address}: the Hub cannot be reached ({reason}); try again")


@contextmanager
def _read_errors(address: str) -> Iterator[None]:
    try:
        with hub_errors(address):
            yield
    except FileNotFoundError as error:
        raise _refusal(address, "it no longer shows this file") from error


def _file_system() -> Any:
    from huggingface_hub import HfFileSystem  # noqa: PLC0415 - slow to import, and rarely needed

    return HfFileSystem()
