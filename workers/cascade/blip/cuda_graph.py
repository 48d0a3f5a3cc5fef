"""CUDA graphs: a few hundred small kernels replayed at the price of one launch."""

from collections.abc import Callable

import torch
from torch import Tensor


class GraphPool:
    """Graphs that are replayed one at a time, and so work in the same memory."""

    def __init__(self) -> None:
        self._memory = torch.cuda.graph_pool_handle()

    def capture(self, step: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Capture the kernels of `step`; every replay writes its result to the same tensor."""
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            step()  # libraries initialise on the first run, which must not be captured
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory):
            result = step()

        def replay() -> Tensor:
            graph.replay()
            return result

        return replay
