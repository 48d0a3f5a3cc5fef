"""Files on the Hugging Face Hub, with its errors as one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from httpx2 import HTTPError

from common.errors import StoreError

BUFFER = 1 << 20


@contextmanager
def hub_errors(address: str) -> Iterator[None]:
    """Turn exceptions of huggingface_hub and its HTTP client into one line; FileNotFoundError passes.

    Raises:
        StoreError: the Hub is unavailable, refuses, or does not know the address.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except (HTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise StoreError(f"{address}: the Hub cannot be reached or refuses ({reason}); try again") from error


def open_on_hub(address: str) -> tuple[BinaryIO, int, str | None]:
    """A repository file for random access, its size in bytes and its blob id.

    Raises:
        FileNotFoundError: no such file.
        StoreError: the Hub cannot be reached.
    """
    with hub_errors(address):
        hub = _file_system()
        info = hub.info(address)
        return cast(BinaryIO, hub.open(address, "rb", block_size=BUFFER)), info["size"], info.get("blob_id")


def is_folder_on_hub(address: str) -> bool:
    """Whether the address is a folder, or a whole repository; False also for what does not exist."""
    with hub_errors(address):
        try:
            return bool(_file_system().info(address)["type"] == "directory")
        except FileNotFoundError:
            return False


def find_on_hub(address: str) -> tuple[str, list[str]]:
    """A folder as the Hub spells it, and all files below it; none where it does not exist."""
    with hub_errors(address):
        hub = _file_system()
        try:
            root = hub.resolve_path(address).unresolve()
            return f"hf://{root}", [f"hf://{name}" for name in hub.find(address)]
        except FileNotFoundError:
            return address, []


def _file_system() -> Any:
    from huggingface_hub import HfFileSystem  # noqa: PLC0415 - slow to import, and rarely needed

    return HfFileSystem()
