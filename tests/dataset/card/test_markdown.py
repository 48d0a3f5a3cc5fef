"""Words of strangers in the card: no markup comes alive, wherever they stand."""

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from common.run.manifest import ModelRef, Models
from dataset.card.card_file import CardTexts
from dataset.card.markdown import printable, to_code, to_text, to_yaml
from tests.dataset.card.test_card import card, header
from tests.dataset.conftest import NewStore
from tests.dataset.merge.runs import merge_runs
from tests.dataset.synthetic import MODELS, RunShape, write_run

EVIL = [
    "x` |\n\n# <script>alert(1)</script> ![x](http://evil.example/p.png)\n---\nlicense: mit\n",
    "a | b | c",
    "`` ` ``",
    "[x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "&lt;script&gt;",
    "-->",
    "\x1b]0;owned\x07 \u202e right to left",
    "https://evil.example www.evil.example",
    "**bold** _it_ ~~no~~ $x$",
    "x" * 500,
]
ALIVE = ("<script", "<img", "![", "](", "\n", "\x1b", "\x07", "\u202e", "-->", "**", "~~", "https://", "www.")


@pytest.mark.parametrize("text", EVIL)
def test_no_place_lets_markup_live(text: str) -> None:
    assert not any(mark in to_text(text) for mark in (*ALIVE, "`", "|", "<", ">", "["))
    code = to_code(text)
    assert "|" not in code
    assert code.count("`") in {0, 2}
    assert not any(
        mark in code.replace("<code>", "").replace("</code>", "") for mark in ("<", ">", "\n", "\x1b")
    )
    assert yaml.safe_load(f"a: {to_yaml(text)}\n") == {"a": printable(text)}
    assert len(printable(text)) <= 201


@pytest.mark.parametrize("text", ["toy/captioner", "sha256:ab12", '["en", 3]', "Ours, the best: 2"])
def test_honest_words_stay_readable(text: str) -> None:
    assert to_code(text) == f"`{text}`"
    assert printable(text) == text


@pytest.mark.parametrize("text", EVIL)
def test_a_card_of_hostile_models_has_one_header_and_no_markup(folder_store: NewStore, text: str) -> None:
    models = Models(
        captioner=ModelRef(name=text, revision=text), ranker=MODELS.ranker, selector=MODELS.selector
    )
    write_run(folder_store("run"), RunShape(parts=1, part_rows=50, models=models))
    merge_runs([folder_store("run")], folder_store("out"))
    written = card(folder_store("out"))
    assert header(written)["license"] == "other"
    assert not any(mark in written for mark in ("<script", "<img", "![x]", "\x1b"))
    rows = [line for line in written.splitlines() if line.startswith("| captioner")]
    assert [line.count("|") for line in rows] == [5]


def test_texts_travel_with_the_card_and_end_no_comment() -> None:
    from dataset.card.card_file import is_edited, read_texts, sign  # noqa: PLC0415

    texts = replace(CardTexts(), name="--> <script>", contact="a@b.example")
    signed = sign("# words\n", texts).encode()
    assert read_texts(signed) == texts
    assert not is_edited(signed)
    assert is_edited(signed.replace(b"words", b"other words"))
    assert signed.count(b"-->") == 1


@pytest.mark.parametrize("said", [b"", b"x", json.dumps([1]).encode(), b'{"name": 1, "odd": 2}'])
def test_a_damaged_signature_is_no_texts(said: Any) -> None:
    import base64  # noqa: PLC0415

    from dataset.card.card_file import read_texts  # noqa: PLC0415

    line = f"<!-- card {base64.b64encode(said).decode() or 'AA=='} {'0' * 64} -->\n"
    assert read_texts(line.encode()).license == "other"
