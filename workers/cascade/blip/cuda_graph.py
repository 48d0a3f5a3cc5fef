"""CUDA graphs: a few hundred small kernels replayed at the price of one launch."""

from collections.abc import Callable

import torch
from torch import Tensor


def capture_graph(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Capture the kernels of `step`; every replay writes its result to the same tensor."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step()  # libraries initialise on the first run, which must not be captured
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay
