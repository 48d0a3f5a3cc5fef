"""open_clip's own tokeniser, asked for each word once: captions repeat few words."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from open_clip import SimpleTokenizer
from torch import Tensor

Tokenizer = Callable[[list[str]], Tensor]  # -> int64 [texts, context length]

MOST_WORDS: Final = 200_000  # remembered; captions are made of unbounded words


class WordTokenizer:
    """The ids of `SimpleTokenizer`, of words that are remembered.

    Its pattern never reaches over a space, so a text's ids are those of its words. That is used for printable
    ASCII without ampersands, which cleaning changes by the word; all other texts are open_clip's to encode.
    """

    def __init__(self, tokenizer: SimpleTokenizer) -> None:
        self.source = tokenizer
        self._words: dict[str, list[int]] = {}
        self._last: dict[str, list[int]] = {}  # the ids of the last call's texts: a selector's are among them

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Begin token, ids and end token of each text, cut to the context; int64 [texts, context length]."""
        self._last = {text: self._last.get(text) or self._with_ends(text) for text in texts}
        rows = [self._last[text] for text in texts]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        table = np.zeros((len(rows), self.source.context_length), np.int64)
        table[np.arange(table.shape[1]) < lengths[:, None]] = np.concatenate(rows)
        return torch.from_numpy(table)

    def is_same(self, other: "WordTokenizer") -> bool:
        """Whether both give every text the same ids."""
        return _identity(self.source) == _identity(other.source)

    def _with_ends(self, text: str) -> list[int]:
        room = self.source.context_length - 2
        return [self.source.sot_token_id, *self._encode(text)[:room], self.source.eot_token_id]

    def _encode(self, text: str) -> list[int]:
        if not (text.isascii() and text.isprintable() and "&" not in text):
            return list(self.source.encode(text))
        return [token for word in text.split() for token in self._encode_word(word)]

    def _encode_word(self, word: str) -> list[int]:
        if word not in self._words:
            if len(self._words) >= MOST_WORDS:
                self._words.clear()
            self._words[word] = self.source.encode(word)
        return self._words[word]


def remember_words(tokenizer: Tokenizer) -> Tokenizer:
    """A `WordTokenizer` where open_clip's is one of words; any other tokeniser as it is."""
    if isinstance(tokenizer, SimpleTokenizer) and tokenizer.reduction_fn is None:
        return WordTokenizer(tokenizer)
    return tokenizer


def _identity(tokenizer: SimpleTokenizer) -> tuple[object, ...]:
    return tokenizer.encoder, tokenizer.bpe_ranks, tokenizer.clean_fn, tokenizer.context_length
