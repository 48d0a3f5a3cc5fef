"""The loop that writes captions token by token, and the two ways to choose a token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from torch import Tensor

from workers.cascade.nodes import Numbers

ENDED: Final = -1


class Decoder(Protocol):
    """A language model that remembers what its nodes hold so far."""

    logits: Tensor  # of each image after the prompt, float [images, vocabulary]

    def step(self, tokens: Numbers, parents: Numbers) -> Tensor:
        """Append `tokens` [nodes] to copies of the nodes `parents` [nodes]; logits [nodes, vocabulary].

        A parent may be named often, once or never again.
        """


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes that are still written."""

    numbers: Numbers  # among all lanes of all images, [lanes]
    nodes: Numbers  # each one's node, [lanes]

    def only(self, which: NDArrayBool) -> "Lanes":
        return Lanes(self.numbers[which], self.nodes[which])


# (logits [nodes, vocabulary], tokens so far [nodes, length], step, lanes) -> token of each lane, or ENDED
Chooser = Callable[[Tensor, Numbers, int, Lanes], Numbers]
