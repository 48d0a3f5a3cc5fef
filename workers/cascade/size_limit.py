"""A bound on the memory that a model's configuration may ask for, in proportion to its weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook
from torch.overrides import TorchFunctionMode

from workers.captions import ModelFolderError

MAX_MODULES = 50_000
"""The largest encoders have a few thousand."""

SPARE = 1 << 24
"""Elements that no file of weights holds: masks, positions, small things made on the way."""

FACTORIES = frozenset(
    {torch.arange, torch.empty, torch.full, torch.linspace, torch.ones, torch.rand, torch.randn, torch.zeros}
)


@contextmanager
def limit_size(folder: Path, expected: str) -> Iterator[None]:
    """In the block a model is built from `folder`: of no more modules and elements than its weights can fill.

    A configuration is a few bytes that may ask for a million layers.

    Raises:
        ModelFolderError: as soon as it asks for more.
    """
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    too_large = ModelFolderError(folder, "its configuration asks for more than its weights hold", expected)
    counting = register_module_module_registration_hook(_ModuleCount(too_large))
    try:
        with _ElementCount(SPARE + 2 * weights, too_large):
            yield
    finally:
        counting.remove()


class _ModuleCount:
    """Called for every module that becomes part of another."""

    def __init__(self, too_large: ModelFolderError) -> None:
        self._left, self._too_large = MAX_MODULES, too_large

    def __call__(self, _parent: nn.Module, _name: str, _module: nn.Module | None) -> None:
        self._left -= 1
        if self._left < 0:
            raise self._too_large


class _ElementCount(TorchFunctionMode):
    """Counts the elements of new tensors before memory is taken for them."""

    def __init__(self, limit: int, too_large: ModelFolderError) -> None:
        super().__init__()
        self._left, self._too_large = limit, too_large

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Let the call pass if there is room for its result."""
        kwargs = kwargs or {}
        if func in FACTORIES:
            shape: Tensor = func(*args, **{**kwargs, "device": "meta", "pin_memory": False})
            self._left -= shape.numel()
            if self._left < 0:
                raise self._too_large
        return func(*args, **kwargs)
