"""Kernels that a device would launch, counted on tensors that hold nothing.

Under `Kernels` the models run on the meta device: every call that would launch a kernel is noted with its
floating-point operations and the bytes that it reads and writes. Nothing is computed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any, Final, Self

import torch
from torch import Tensor, nn
from torch.library import Library
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class Kind(StrEnum):
    """Kernels that reach their ceiling alike."""

    PRODUCT = "product"  # of matrices
    CONVOLUTION = "convolution"
    ATTENTION = "attention"
    BIAS = "bias"  # cuDNN adds a convolution's bias in a pass of its own
    INDEX = "index"  # rows that are gathered or scattered
    SELECTION = "selection"  # sorts, scans and searches: several passes over their input
    REST = "rest"  # limited by bandwidth
    COPY_IN = "copy in"  # from pinned memory


@dataclass(frozen=True, slots=True)
class Kernel:
    """One launch."""

    kind: Kind
    flop: int
    bytes: int


Table = Mapping[str, Mapping[Kernel, int]]  # how often, by stage


def _convolved(pixels: Tensor, weight: Tensor, *geometry: Any) -> Tensor:
    """What a fused convolution returns, without its numbers: torch has this for the plain one alone."""
    stride, padding, dilation, groups = geometry
    return torch.convolution(pixels, weight, None, stride, padding, dilation, False, [0, 0], groups)


_fused: Final[Any] = Library("aten", "IMPL", "Meta")  # type: ignore[no-untyped-call]
_fused.impl("cudnn_convolution_relu", lambda x, weight, _, *geometry: _convolved(x, weight, *geometry))
_fused.impl(
    "cudnn_convolution_add_relu", lambda x, weight, *rest: _convolved(x, weight, *rest[3:])
)  # after the residual, its factor and the bias

_FUSED: Final = {"cudnn_convolution_relu", "cudnn_convolution_add_relu"}
_FREE: Final = {
    "alias", "detach", "empty", "empty_like", "empty_strided", "lift_fresh", "new_empty", "new_empty_strided",
    "_reshape_alias", "_unsafe_view", "resolve_conj", "resolve_neg",
}  # fmt: skip
_GATHERS: Final = {"index", "index_select", "gather", "embedding"}  # they read what they return
_PUTS: Final = {"copy_": 1, "index_copy_": 3, "index_put_": 2, "_index_put_impl_": 2, "scatter_": 3}
"""Writes into part of a tensor, and which argument is written."""
_KINDS: Final = {
    Kind.PRODUCT: {"mm", "addmm", "bmm", "baddbmm"},
    Kind.CONVOLUTION: {"convolution", *_FUSED},
    Kind.INDEX: {*_GATHERS, *_PUTS} - {"copy_", "embedding"},
    Kind.SELECTION: {"topk", "sort", "cumsum", "searchsorted"},
}


class Kernels:
    """Counts kernels while it is entered, call by call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Counter[Kernel]]] = []  # of `call`, in order: stage and kernels
        self.between: Counter[Kernel] = Counter()  # outside of calls
        self._counting = [self.between]
        self._modes = ExitStack()

    def table(self) -> Table:
        """All kernels by stage."""
        stages: dict[str, Counter[Kernel]] = {}
        for stage, kernels in [*self.calls, ("between", self.between)]:
            stages.setdefault(stage, Counter()).update(kernels)
        return stages

    @contextmanager
    def call(self, stage: str) -> Iterator[None]:
        """Kernels within belong to one call of `stage`, and to no call around it."""
        kernels: Counter[Kernel] = Counter()
        self._counting.append(kernels)
        try:
            yield
        finally:
            self._counting.pop()
            self.calls.append((stage, kernels))

    def __enter__(self) -> Self:
        self._modes.enter_context(_Attention(self))
        self._modes.enter_context(_Dispatch(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._modes.close()

    def note(self, kind: Kind, flop: int, moved: int) -> None:
        self._counting[-1][Kernel(kind, flop, moved)] += 1


class _Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, kernels: Kernels) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kernels = kernels

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if (parts := self._take_apart(func, args, kwargs or {})) is not NotImplemented:
            return parts
        result = func(*args, **(kwargs or {}))
        name = func._schema.name.partition("::")[2]
        if not (func.is_view or name in _FREE or not _on_device(result)):
            self._note(func, name, (args, kwargs or {}), result)
        return result

    def _take_apart(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The result of a call that is made of others, such as `linear`, which are then seen one by one."""
        with self:
            return func.decompose(*args, **kwargs)

    def _note(
        self, func: Any, name: str, inputs: tuple[Sequence[Any], Mapping[str, Any]], result: Any
    ) -> None:
        args, kwargs = inputs
        if name == "_to_copy" and isinstance(args[0], Tensor) and args[0].device.type == "cpu":
            self._kernels.note(Kind.COPY_IN, 0, _bytes(result))
            return
        kind = _kind(name)
        count = flop_registry.get(func.overloadpacket)
        flop = int(count(*args, **kwargs, out_val=result)) if count and kind is not Kind.REST else 0
        if name in _FUSED:
            flop = 2 * result.numel() * args[1][0].numel()
        self._kernels.note(kind, flop, _moved(name, args, kwargs, result))
        if name == "convolution" and args[2] is not None:
            self._kernels.note(Kind.BIAS, 0, 2 * _bytes(result))


class _Attention(TorchFunctionMode):
    """One kernel for each attention, as every GPU has it; the meta device would take it apart."""

    def __init__(self, kernels: Kernels) -> None:
        super().__init__()
        self._kernels = kernels

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is not nn.functional.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        query, keys, values, *_ = args
        heads, queries = query.shape[-3:-1]
        result = query.new_empty(*query.shape[:-3], queries, heads, values.shape[-1]).transpose(-3, -2)
        flop = 2 * prod(query.shape[:-1]) * keys.shape[-2] * (query.shape[-1] + values.shape[-1])
        self._kernels.note(Kind.ATTENTION, flop, _bytes(args, kwargs, result))
        return result


def _moved(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int:
    if name in _GATHERS:
        return 2 * _bytes(result)
    if name in _PUTS:
        return 2 * _bytes(args[_PUTS[name]])
    return _bytes(args, kwargs, result)


def _kind(name: str) -> Kind:
    return next((kind for kind, names in _KINDS.items() if name in names), Kind.REST)


def _on_device(result: Any) -> bool:
    return any(isinstance(leaf, Tensor) and leaf.is_meta for leaf in tree_leaves(result))


def _bytes(*values: Any) -> int:
    """Bytes of all tensors in `values`; what a view repeats counts once."""
    return sum(_held(leaf) for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


def _held(tensor: Tensor) -> int:
    sizes = [size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride]
    return prod(sizes) * tensor.itemsize
