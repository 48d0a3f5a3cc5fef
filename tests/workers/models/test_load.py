"""Loading leaves the process as it was."""

import gc
from contextlib import suppress

from workers.models import load


def test_garbage_is_collected_again_also_after_an_import_that_failed() -> None:
    with suppress(ImportError), load._without_collection():
        assert not gc.isenabled()
        raise ImportError("torch")
    assert gc.isenabled()
