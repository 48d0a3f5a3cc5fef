"""Remembered words against open_clip's own tokeniser."""

import random
from functools import cache

import pytest
import torch
from open_clip import SimpleTokenizer
from open_clip.tokenizer import get_clean_fn

from tests.benchmarks import truthful
from workers.cascade.clip import word_tokenizer
from workers.cascade.clip.word_tokenizer import WordTokenizer, remember_words

ODD = [
    "",
    " ",
    "it's a dog's life, isn't it? we'll see",
    "two  spaces\tand\nlines",
    "AT&T &amp; &amp;lt;b&gt; R&D",
    "<start_of_text>a<end_of_text> <END_OF_TEXT>",
    "caf\u00e9 na\u00efve stra\u00dfe \u0130stanbul",
    "\ufb01ne \u201cquotes\u201d \u2018n\u2019 \u2014 dashes\u2026",
    "schÃ¶n â€œbrokenâ€\x9d",
    "\u732b\u304c\u3044\u308b \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a\u0301 \u200b zero\u200bwidth \u00a0 nbsp \u3000 wide \x85 next",
    "\x1b[31mred\x1b[0m \x00 \x7f \ufeff \ud800",
    "\x1c\x1d\x1e\x1f between separators",
    "1234567890 3.14 1,000,000 x86-64 http://a.b/c?d=e#f",
    "!!! ... --- ''' \"\"\" ``` ~~~ ^_^ :-) <3",
    "word " * 100,
    "supercalifragilisticexpialidocious" * 5,
    "\u1e9e \u01c5 \u03a3\u03a3 \u0390 \ufb03",
]


@cache
def plain(clean: str = "lower") -> SimpleTokenizer:
    return SimpleTokenizer(clean=clean)


def captions(count: int) -> list[str]:
    """Sentences of few words, every tenth with something odd in it."""
    dice = random.Random(0)
    words = truthful.words()[:2000]
    texts = [" ".join(dice.choices(words, k=dice.randint(3, 16))) for _ in range(count)]
    odd = [
        chr(dice.choice((dice.randint(1, 127), dice.randint(128, 0x2FFF), dice.randint(0x1F300, 0x1F6FF))))
        for _ in range(count // 10)
    ]
    return [
        text if index % 10 else f"{text}{dice.choice(('', ' '))}{odd[index // 10]}{text[:9]}"
        for index, text in enumerate(texts)
    ]


@pytest.mark.parametrize("clean", ["lower", "whitespace", "canonicalize"])
def test_odd_texts_have_open_clips_ids(clean: str) -> None:
    texts = [text for text in ODD if text.isprintable() or "\ud800" not in text]
    fast = WordTokenizer(plain(clean))
    for _ in range(2):  # the second time they are remembered
        assert torch.equal(fast(texts), plain(clean)(texts))


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(100_000, marks=pytest.mark.soak)], ids=["few", "100,000"]
)
def test_captions_have_open_clips_ids(count: int) -> None:
    fast, texts = WordTokenizer(plain()), captions(count)
    for first in range(0, count, 700):
        some = texts[first : first + 700]
        assert torch.equal(fast(some), plain()(some))


def test_each_word_is_encoded_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    source = SimpleTokenizer()
    seen: list[str] = []
    encode = source.encode

    def watched(text: str) -> list[int]:
        seen.append(text)
        return list(encode(text))

    monkeypatch.setattr(source, "encode", watched)
    monkeypatch.setattr(word_tokenizer, "MOST_WORDS", 4)
    fast = WordTokenizer(source)
    fast(["a red dog", "a red cat"])
    assert seen == ["a", "red", "dog", "cat"]
    fast(["blue"])
    assert len(fast._words) == 1


def test_only_tokenisers_of_one_vocabulary_are_shared() -> None:
    assert WordTokenizer(plain()).is_same(WordTokenizer(SimpleTokenizer()))
    assert not WordTokenizer(plain()).is_same(WordTokenizer(plain("canonicalize")))
    assert not WordTokenizer(plain()).is_same(WordTokenizer(SimpleTokenizer(context_length=12)))


def test_other_tokenisers_are_left_alone() -> None:
    other = SimpleTokenizer(reduction_mask="simple")
    assert remember_words(other) is other
    assert get_clean_fn("lower") is plain().clean_fn
