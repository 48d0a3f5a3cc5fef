"""Where the shipped cascade turns to the device and where it waits for it: its calls, seen from outside."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import Any, Final
from unittest.mock import patch

from open_clip.modified_resnet import ModifiedResNet

from tests.benchmarks.cascade_ways import ScriptedDraws
from tests.benchmarks.timeline import Timeline
from tests.benchmarks.truthful import Truthful
from workers.cascade.blip import incremental_decoder
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.steps import GraphStep
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.clip.clip import Clip
from workers.cascade.pixel_buffer import PixelBuffer
from workers.cascade.sampling import device_sampler
from workers.cascade.sampling.device_sampler import DrawState

Call = Callable[[str], AbstractContextManager[None]]

DECODER: Final = "decoder"
SCRIPT: Final = "script"  # the benchmark's own work, which nobody waits for
_STEPS: Final[Sequence[tuple[Any, str, str]]] = (
    (GraphStep, "_step", DECODER),
    (DrawState, "draw", "draws"),
)
_REPLAYS: Final[Sequence[tuple[Any, str, str]]] = ((GraphStep, "__call__", DECODER),)
"""Steps that are captured: what is within is not called again."""

_CALLS: Final[Sequence[tuple[Any, str, str]]] = (
    (PixelBuffer, "_send", "images to the device"),
    (BlipCaptioner, "encode_images", "captioner's images"),
    (TextDecoder, "fill_cross_cache", "prompt"),
    (incremental_decoder, "prefill", "prompt"),
    (device_sampler, "image_uniforms", "random numbers"),
    (Cache, "move_nodes", "moves"),
    (Cache, "move_images", "moves"),
    (Clip, "_compare", "texts"),
    (Truthful, "plan", SCRIPT),
)


_keep: Final = cache(PixelBuffer._allocate)  # as torch keeps pinned memory


@contextmanager
def device_calls(call: Call, *, replayed: bool = False) -> Iterator[None]:
    """Every call to the device runs within `call` of its stage; of steps, their replays where these are."""
    with ExitStack() as patches:
        for owner, name, stage in (*_CALLS, *(_REPLAYS if replayed else _STEPS)):
            patches.enter_context(patch.object(owner, name, _within(call, stage, getattr(owner, name))))
        for owner in (Clip, BlipCaptioner):
            patches.enter_context(patch.object(owner, "look_ahead", _in_pieces(call, owner.look_ahead)))
        yield


def _within(call: Call, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*arguments: Any, **named: Any) -> Any:
        with call(stage):
            return work(*arguments, **named)

    return watched


def _in_pieces(call: Call, work: Callable[..., Generator[None]]) -> Callable[..., Generator[None]]:
    def watched(model: Clip | BlipCaptioner, *arguments: Any) -> Generator[None]:
        pieces = work(model, *arguments)
        while True:
            with call(f"{_name(model)}'s images"):
                ended = next(pieces, EOFError) is EOFError
            if ended:
                return
            yield

    return watched


def _name(model: Clip | BlipCaptioner) -> str:
    if isinstance(model, BlipCaptioner):
        return "captioner"
    return "selector" if isinstance(model._model.visual, ModifiedResNet) else "ranker"


class Watch:
    """Runs a pass on a timeline; how long each call keeps the device busy is known."""

    def __init__(self, timeline: Timeline, calls: Sequence[tuple[float, int]]) -> None:
        """`calls`: milliseconds and kernels of each, in the order in which they end."""
        self.timeline = timeline
        self._calls = iter(calls)
        self._stages: list[str] = []
        self._drawn = 0.0  # when the last draws are there

    @contextmanager
    def follow(self) -> Iterator[None]:
        """Within, the cascade's calls and waits are those of the timeline."""
        write, draw, read = PixelBuffer._write, ScriptedDraws.__call__, Clip._read
        on_host = _within(lambda _: self.timeline.spent(by_host=True), "", write)
        with ExitStack() as patches:
            patches.enter_context(device_calls(self._call))
            patches.enter_context(patch.object(PixelBuffer, "_write", on_host))
            patches.enter_context(patch.object(PixelBuffer, "_allocate", _keep))
            drawn = self._after(lambda: self._drawn, draw)
            patches.enter_context(patch.object(ScriptedDraws, "__call__", drawn))
            patches.enter_context(
                patch.object(Clip, "_read", self._after(lambda: self.timeline.device, read))
            )
            yield
        self.timeline.finish()

    @contextmanager
    def _call(self, stage: str) -> Iterator[None]:
        self._stages.append(stage)
        with self.timeline.spent(by_host=False):
            yield
        self._stages.pop()
        duration, kernels = next(self._calls)
        if stage != SCRIPT:
            captured = DECODER in {stage, *self._stages}
            self.timeline.launch(duration, int(stage == DECODER) if captured else kernels)
        if stage in {DECODER, "draws"}:
            self._drawn = self.timeline.device

    def _after(self, until: Callable[[], float], work: Callable[..., Any]) -> Callable[..., Any]:
        def waited(*arguments: Any) -> Any:
            self.timeline.wait(until())
            return work(*arguments)

        return waited
