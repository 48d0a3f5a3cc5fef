"""The toy world: sentences that are true, near misses that are not, pictures that come again."""

from itertools import islice

import numpy as np
from PIL import Image

from workers.toy.architectures import CONTEXT_LENGTH, TOKENS, tokenizer
from workers.toy.drawing import TRAINING, UNSEEN, draw, draw_scenes
from workers.toy.world import PROMPT, Pair, Single, Thing, near_miss, random_scene


def test_sentences() -> None:
    star, square = Thing("red", "star"), Thing("blue", "square")
    assert str(Single("large", star)) == "a large red star"
    assert str(Pair(star, "left of", square)) == "a red star left of a blue square"


def test_near_misses_are_never_true() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        scene = random_scene(rng)
        miss = near_miss(scene, rng)
        assert str(miss) != str(scene)
        assert type(miss) is type(scene)
        assert not (isinstance(miss, Pair) and miss.first == miss.second)


def test_every_sentence_is_in_the_vocabulary_and_fits() -> None:
    tokens, rng = tokenizer(), np.random.default_rng(0)
    for _ in range(500):
        ids = tokens(str(random_scene(rng))).input_ids
        assert tokens.unk_token_id not in ids
        assert len(ids) <= CONTEXT_LENGTH
    assert tokens.unk_token_id not in tokens(PROMPT).input_ids
    assert tokens.sep_token_id == len(TOKENS) - 1  # where open_clip looks for the features of a text


def test_streams_come_again_and_differ() -> None:
    def sentences(stream: int, seed: int) -> list[str]:
        return [str(scene) for scene, _ in islice(draw_scenes(stream, seed), 20)]

    assert sentences(UNSEEN, 0) == sentences(UNSEEN, 0)
    assert sentences(UNSEEN, 0) != sentences(UNSEEN, 1)
    assert sentences(UNSEEN, 0) != sentences(TRAINING, 0)
    first, again = (next(draw_scenes(UNSEEN, 5, (90, 70)))[1] for _ in range(2))
    assert first.size == (90, 70)
    assert first.tobytes() == again.tobytes()


def centre(image: Image.Image, colour: str) -> tuple[float, float]:
    """Of the pixels (x, y) in which the channel of `colour` stands out."""
    pixels = np.asarray(image).astype(int)
    channel = {"red": 0, "blue": 2}[colour]
    others = np.delete(pixels, channel, axis=2).max(axis=2)
    rows, columns = np.nonzero(pixels[..., channel] > others + 90)
    return float(columns.mean()), float(rows.mean())


def test_relations_are_drawn_as_they_are_told() -> None:
    rng = np.random.default_rng(0)
    red, blue = Thing("red", "circle"), Thing("blue", "square")
    for _ in range(50):
        above = draw(Pair(red, "above", blue), rng)
        assert centre(above, "red")[1] < centre(above, "blue")[1] - 10
        left = draw(Pair(red, "left of", blue), rng)
        assert centre(left, "red")[0] < centre(left, "blue")[0] - 10


def test_sizes_are_drawn_as_they_are_told() -> None:
    rng = np.random.default_rng(0)

    def covered(size: str) -> float:
        pixels = np.asarray(draw(Single(size, Thing("red", "square")), rng)).astype(int)
        return float((pixels[..., 0] > pixels[..., 2] + 90).mean())

    assert max(covered("small") for _ in range(50)) < min(covered("large") for _ in range(50)) / 2
