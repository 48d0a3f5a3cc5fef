"""The gallery in a real browser: pictures load, strangers' texts do nothing, filters filter."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from common.run.status import Status
from dataset.gallery.page import WEB_ADDRESS, render_page, shorten
from dataset.rows.row_source import Row
from dataset.rows.sample import Sample
from tests.dataset.browser import browser, needs_chromium
from tests.dataset.gallery.scenes import Scene, Web, image_web

pytestmark = needs_chromium
RIGHT_TO_LEFT = "\u202egnp.exe\u202c \u200f\u061c שלום \u2066abc"
HOSTILE = (
    "<script>window.pwned = 1</script>",
    "</style><style>body { display: none }</style>",
    "\"><img src=x onerror='window.pwned = 2'>",
    "' onmouseover='window.pwned = 3",
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; <!-- -->",
    "</article></main></body><script>window.pwned = 4</script>",
    RIGHT_TO_LEFT,
    "x" * 10_000,
    "e" + "\u0301" * 10_000,
    "\x00\x07\x1b[31m\u2028\ufffe",
)
BAD_ADDRESSES = (
    "javascript:window.pwned=5",
    " javascript:window.pwned=5",
    "data:text/html,<script>window.pwned=6</script>",
    "file:///etc/passwd",
    "//example.com/x.png",
    "http://x' onerror='window.pwned=7",
    'https://x" srcset="http://y',
    "http://a b/c.png",
    "",
)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with image_web() as served:
        yield served


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with browser(1280, 900) as context:
        yield context.new_page()


def empty_row(**values: Any) -> Row:
    names = ("URL", "TEXT", "top_caption", "all_captions", "all_similarities", "shortlist")
    return dict.fromkeys((*names, "shortlist_similarities", "status", "error")) | values


def hostile_row(url: str, text: str) -> Row:
    return empty_row(
        URL=url, TEXT=text, top_caption=text, all_captions=[text, "fine"], all_similarities=[0.3, 0.2],
        shortlist=[text, "fine"], shortlist_similarities=[0.3, 0.2], status=Status.OK,
    )  # fmt: skip


def show(tab: Page, folder: Path, rows: list[Row], *, with_failures: bool = False) -> list[str]:
    """Open the page; returns what the console said and what was asked of the network."""
    sample = Sample(tuple(rows), Counter(row["status"] for row in rows), 1000, 0)
    page = folder / "gallery.html"
    page.write_text(render_page(sample, "Samples", with_failures=with_failures), "utf-8")
    said: list[str] = []
    tab.on("console", lambda message: said.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: said.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    tab.on("request", lambda request: said.append(request.url))
    tab.goto(page.as_uri())
    tab.wait_for_load_state("networkidle")
    return said


def test_images_load_and_no_host_learns_where_from(tab: Page, tmp_path: Path, web: Web) -> None:
    web.asked.clear()
    rows = [empty_row(**Scene(number).row(web.address)) for number in range(12)]
    good = [row for row in rows if row["status"] == Status.OK]
    said = show(tab, tmp_path, good)
    for image in tab.query_selector_all("img"):
        image.scroll_into_view_if_needed()
    tab.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth === 640)")
    assert {path for path, _ in web.asked} >= {f"/{row['URL'].rsplit('/')[-1]}" for row in good}
    assert all("Referer" not in headers for _, headers in web.asked)
    assert not [line for line in said if not line.startswith(("file:", web.address))]


def test_an_image_that_is_gone_says_so(tab: Page, tmp_path: Path, web: Web) -> None:
    show(tab, tmp_path, [hostile_row(f"{web.address}/gone.png", "a text")])
    tab.wait_for_selector(".missing .gone", state="visible")


@pytest.mark.parametrize("width", [390, 1280])
def test_hostile_texts_do_nothing(tab: Page, tmp_path: Path, web: Web, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    rows = [hostile_row(f"{web.address}/{number}.png", text) for number, text in enumerate(HOSTILE)]
    rows += [hostile_row(url, "a text") for url in BAD_ADDRESSES]
    said = show(tab, tmp_path, rows)
    tab.mouse.move(200, 600)
    assert tab.evaluate("window.pwned") is None
    assert tab.locator("script").count() == 1
    assert tab.locator("style").count() == 1
    assert tab.locator("article").count() == len(rows)
    assert tab.locator("img").count() == len(HOSTILE)
    assert tab.locator("h2").first.inner_text() == HOSTILE[0]
    assert all(
        link.startswith(web.address) for link in tab.eval_on_selector_all("a", "all => all.map(a => a.href)")
    )
    assert not [line for line in said if not line.startswith(("file:", web.address))]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        tab.evaluate("Math.max(...[...document.querySelectorAll('article')].map(a => a.offsetHeight))") < 2500
    )
    tab.set_viewport_size({"width": 1280, "height": 900})


def test_right_to_left_marks_stay_in_their_own_box(tab: Page, tmp_path: Path, web: Web) -> None:
    show(tab, tmp_path, [hostile_row(f"{web.address}/1.png", text) for text in (RIGHT_TO_LEFT, "a text")])
    scores = tab.eval_on_selector_all(
        "tr.top .number", "all => all.map(cell => cell.getBoundingClientRect().left)"
    )
    assert scores[0] < scores[1]
    isolated = "all => all.every(e => getComputedStyle(e).unicodeBidi.startsWith('isolate'))"
    assert tab.eval_on_selector_all("bdi, h2", isolated)


def test_the_policy_stops_a_script_even_if_one_got_in(tab: Page, tmp_path: Path, web: Web) -> None:
    said = show(tab, tmp_path, [hostile_row(f"{web.address}/1.png", "a text")])
    tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.pwned = 8'}))"
    )
    tab.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<b onclick=\"window.pwned = 9\">')"
    )
    tab.evaluate("document.querySelector('b').click()")
    assert tab.evaluate("window.pwned") is None
    assert sum("Content Security Policy" in line for line in said) == 2


def test_the_slider_leaves_the_rows_above_it(tab: Page, tmp_path: Path, web: Web) -> None:
    rows = [hostile_row(f"{web.address}/{n}.png", f"text {n}") for n in range(5)]
    for number, row in enumerate(rows):
        row["all_similarities"] = [number / 10, 0.0]
    rows.append({**rows[0], "all_similarities": []})
    show(tab, tmp_path, rows)
    assert tab.locator("article:visible").count() == 6
    tab.locator("#least").fill("0.2")
    assert tab.locator("article:visible").count() == 3
    assert tab.locator("#shown").inner_text() == "3 shown"
    tab.locator("#least").focus()
    tab.keyboard.press("End")
    assert tab.locator("article:visible").count() == 1


def test_failures_are_shown_on_request_and_load_nothing(tab: Page, tmp_path: Path, web: Web) -> None:
    rows = [hostile_row(f"{web.address}/1.png", "a text")]
    rows += [
        empty_row(URL=f"{web.address}/{status}", TEXT="x", status=status, error=f"<i>{status}</i>")
        for status in Status
        if status != Status.OK
    ]
    show(tab, tmp_path, rows)
    assert tab.locator("article").count() == 1
    web.asked.clear()
    show(tab, tmp_path, rows, with_failures=True)
    assert tab.locator("article").count() == len(Status)
    assert tab.locator("article.failed i").count() == 0
    assert {path for path, _ in web.asked} <= {"/1.png"}
    assert tab.locator("section tbody tr").count() == len(Status)
    tab.locator("#least").fill("0.3")
    assert tab.locator("#shown").inner_text() == "1 shown"


def test_it_is_dark_where_the_reader_wants_it_dark(tab: Page, tmp_path: Path, web: Web) -> None:
    show(tab, tmp_path, [hostile_row(f"{web.address}/1.png", "a text")])
    colours = []
    schemes: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
    for scheme in schemes:
        tab.emulate_media(color_scheme=scheme)
        colours.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    tab.emulate_media(color_scheme="light")
    assert colours == ["rgb(245, 243, 239)", "rgb(20, 20, 19)"]


def test_texts_are_shortened_and_addresses_judged_without_a_browser() -> None:
    assert shorten("x" * 400) == "x" * 400
    assert shorten("x" * 10_000) == "x" * 400 + "… (10,000 characters)"
    assert not any(WEB_ADDRESS.fullmatch(url) for url in BAD_ADDRESSES)
    assert WEB_ADDRESS.fullmatch("HTTPS://example.com:8080/ü/?a=1&b=[2]#c")
