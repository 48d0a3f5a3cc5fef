"""A workload as real captions make it: other texts in every pass, branches, ends at different steps.

Ten distinct captions an image for 40 lanes; each but the first branches off an earlier one; 6 to 45 tokens,
most of them short. Words are those of open_clip's own vocabulary, so that its tokeniser has its usual work.
"""

from functools import cache, lru_cache
from typing import Final

import numpy as np
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import nn
from transformers import BertTokenizer

from tests.benchmarks.cascade_ways import Scripted
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.samplers import EOS

DISTINCT: Final = 10  # captions of an image
SHORTEST: Final = 6  # tokens
_MORE: Final = 7  # than 5 tokens, in the mean of the geometric distribution
_FIRST: Final = 2000  # token of a word; those below are special ones in BERT's vocabulary
_WORDS: Final = 12_000
_LONGEST: Final = 45  # tokens
_SPECIAL: Final = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 30522: "[DEC]"}
_PROMPT: Final = {1037: "a", 3861: "picture", 1997: "of"}


@cache
def words() -> tuple[str, ...]:
    """Lower-case words of 3 to 12 letters."""
    found = (word[:-4] for word in SimpleTokenizer().encoder if word.endswith("</w>"))
    taken = set(_PROMPT.values())
    fit = [
        word
        for word in found
        if word.isascii() and word.isalpha() and 3 <= len(word) <= 12 and word not in taken
    ]
    return tuple(fit[:_WORDS])


@cache
def ids() -> Numbers:
    """Tokens that are words, [words]."""
    free = (token for token in range(_FIRST, 30_500) if token not in _PROMPT)
    return np.array([token for token, _ in zip(free, words(), strict=False)])


def word_tokenizer() -> BertTokenizer:
    """BLIP's tokeniser of 30,524 tokens, 12,000 of them whole words."""
    names = {**_SPECIAL, **_PROMPT, **word_of()}
    return BertTokenizer(vocab={names.get(token, f"w{token}"): token for token in range(30_524)})


@cache
def word_of() -> dict[int, str]:
    return dict(zip(ids().tolist(), words(), strict=True))


@lru_cache(maxsize=128)  # of a GPU's passes, written before a clock runs
def plan(images: int, lanes: int, longest: int, seed: int) -> Numbers:
    """What each lane draws at each step, [images * lanes, longest]; EOS from its end on."""
    rng = np.random.default_rng(seed)
    return np.concatenate([_plan_image(rng, lanes, longest) for _ in range(images)])


def captions(count: int, seed: int) -> list[str]:
    """Texts of the workload, each once."""
    rows = plan(count // DISTINCT, DISTINCT, _LONGEST, seed)
    return [" ".join(word_of()[token] for token in row.tolist() if token != EOS) for row in rows]


class Truthful(Scripted):
    """Ours, with all its work; what it writes is another plan in every pass."""

    passes = 0

    def plan(self, images: int) -> Numbers:
        self.passes += 1
        return self._plan(images, self.passes)

    def write_ahead(self, images: int, passes: int) -> None:
        """What the next passes write is the benchmark's work: to be done before a clock runs."""
        for ahead in range(1, passes + 1):
            self._plan(images, self.passes + ahead)

    def _plan(self, images: int, seed: int) -> Numbers:
        sampling = self.models.sampling
        return plan(images, sampling.lanes, max(sampling.max_tokens), seed)


def wake_residuals(model: CLIP) -> None:
    """open_clip begins with zeros in each block's last norm; a product with zeros is a cheap one."""
    for name, values in model.named_parameters():
        if name.endswith("bn3.weight"):
            nn.init.uniform_(values, 0.5, 1.5)


def _plan_image(rng: np.random.Generator, lanes: int, longest: int) -> Numbers:
    lengths = np.clip(SHORTEST - 1 + rng.geometric(1 / _MORE, DISTINCT), SHORTEST, longest)
    texts = rng.choice(ids(), (DISTINCT, longest))
    for own in range(1, DISTINCT):
        other = int(rng.integers(own))
        shared = int(rng.integers(min(lengths[own], lengths[other])))
        texts[own, :shared] = texts[other, :shared]
    for text, length in zip(texts, lengths, strict=True):
        text[length:] = EOS
    which = np.concatenate([np.arange(DISTINCT), rng.integers(0, DISTINCT, lanes - DISTINCT)])
    written: Numbers = texts[rng.permutation(which)]
    return written
