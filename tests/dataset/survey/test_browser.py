"""Whole surveys in a real browser: by mouse, touch and keyboard, and with everything that goes wrong."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import BrowserContext, Page, Route, expect

from dataset.survey.layout import ANSWERS
from dataset.survey.spelling import LONGEST
from tests.dataset.browser import needs_chromium
from tests.dataset.survey.browsers import Browsers, enter, open_browsers, sign_in
from tests.dataset.survey.server import Server, serving
from tests.dataset.survey.surveys import codes, make_survey

pytestmark = needs_chromium
SAMPLES = 4
HOSTILE = {
    0: "<script>window.pwned = 1</script>",
    1: "\"><img src=x onerror='window.pwned = 2'>",
    2: "e" + "\u0301" * 290,
    3: ("a picture of a thing beside another thing, " * 7)[:LONGEST],
}
SCROLLERS = """
    [...document.querySelectorAll("body *")]
        .filter(e => /auto|scroll/.test(getComputedStyle(e).overflow) && e.tabIndex < 0)
        .map(e => e.outerHTML)
"""
"""What would scroll by itself, and cannot be reached by the keyboard."""

TALL_FONT = "\n* { line-height: 1 !important; }"
"""A font that is taller than its lines, as some machines' serifs are than ours."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "survey"
    make_survey(folder, SAMPLES, captions=HOSTILE)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


@pytest.fixture(scope="module")
def _browsers() -> Iterator[Browsers]:
    with open_browsers() as browsers:
        yield browsers


@pytest.fixture
def browsers(_browsers: Browsers) -> Iterator[Browsers]:
    yield _browsers
    _browsers.leave()


@pytest.fixture
def tab(browsers: Browsers, server: Server, folder: Path) -> Page:
    """A rater at a desktop, before the first sample."""
    return sign_in(browsers.rater(), server, *codes(folder, 1))


def mine(folder: Path) -> list[tuple[int, str | None, int | None]]:
    """Revision, guess and rating of everything that the newest rater sent, in order."""
    with closing(sqlite3.connect(folder / ANSWERS)) as connection:
        return connection.execute(
            "SELECT revision, guess, rating FROM answer WHERE rater = (SELECT max(id) FROM rater) ORDER BY id"
        ).fetchall()


def by_mouse(tab: Page, rating: int) -> None:
    tab.get_by_label("Machine").click()
    tab.locator(f"#rating-{rating}").click()
    tab.locator("#next").click()


def by_touch(tab: Page, rating: int) -> None:
    tab.get_by_label("Machine").tap()
    tab.locator(f"#rating-{rating}").tap()
    tab.locator("#next").tap()


def by_shortcut(tab: Page, rating: int) -> None:
    for key in ("m", str(rating), "Enter"):
        tab.keyboard.press(key)


def by_tab_and_arrows(tab: Page, rating: int) -> None:
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowRight")  # from human, which holds the focus, to machine
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    for _ in range(rating):
        tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")


@pytest.mark.parametrize(
    ("phone", "answer"),
    [(False, by_mouse), (True, by_touch), (False, by_shortcut), (False, by_tab_and_arrows)],
)
def test_a_whole_survey(
    browsers: Browsers, server: Server, folder: Path, phone: bool, answer: Callable[[Page, int], None]
) -> None:
    said: list[str] = []
    context = browsers.rater(phone=phone)
    context.on("console", lambda message: said.append(message.text))
    context.on("request", lambda request: said.append(request.url))
    tab = enter(context.new_page(), server.address, *codes(folder, 1))
    for place in range(1, SAMPLES + 1):
        tab.wait_for_url(f"**/sample/{place}")
        assert (
            tab.locator("#picture").evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
        )
        width = tab.evaluate("document.documentElement.scrollWidth")
        assert width <= tab.evaluate("innerWidth")
        answer(tab, place)
    tab.wait_for_url("**/done")
    expect(tab.get_by_role("heading", name="Thank you")).to_be_visible()
    assert mine(folder) == [(1, "machine", place) for place in range(1, SAMPLES + 1)]
    assert tab.evaluate("window.pwned") is None
    assert not [line for line in said if not line.startswith(server.address)]


def test_a_whole_survey_without_a_script(browsers: Browsers, server: Server, folder: Path) -> None:
    tab = browsers.rater(script=False).new_page()
    tab.goto(server.address)
    tab.get_by_label("Your invitation code").fill(*codes(folder, 1))
    tab.get_by_role("button", name="Begin").click()
    tab.get_by_label("I have read this").check()
    tab.get_by_role("button", name="Start").click()
    for place in range(1, SAMPLES + 1):
        by_mouse(tab, place)
    tab.wait_for_url("**/done")
    tab.get_by_role("button", name="Undo").click()
    tab.wait_for_url(f"**/sample/{SAMPLES}")
    assert mine(folder)[-1] == (2, None, None)


def test_no_page_scrolls_on_a_phone_before_the_answer_is_given(
    browsers: Browsers, server: Server, folder: Path
) -> None:
    tab = sign_in(browsers.rater(phone=True), server, *codes(folder, 1))
    for place in range(1, SAMPLES + 1):
        tab.goto(f"{server.address}/sample/{place}")
        box = tab.locator("#next").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 844
        smallest = tab.eval_on_selector_all(
            "fieldset label, #next",
            "all => Math.min(...all.map(e => Math.min(e.offsetWidth, e.offsetHeight)))",
        )
        assert smallest >= 44  # fingers


def test_reload_and_another_visit_go_on_where_the_rater_stopped(
    tab: Page, browsers: Browsers, server: Server, folder: Path
) -> None:
    by_shortcut(tab, 3)
    tab.wait_for_url("**/sample/2")
    tab.keyboard.press("h")
    tab.reload()
    expect(tab.locator("#human")).not_to_be_checked()
    assert tab.url.endswith("/sample/2")
    state = tab.context.storage_state()
    tab.close()
    again = browsers.rater()
    again.add_cookies(state["cookies"])  # type: ignore[arg-type]
    tab = again.new_page()
    tab.goto(server.address)
    assert tab.url.endswith("/sample/2")
    assert mine(folder) == [(1, "machine", 3)]


def test_a_double_click_is_one_answer(tab: Page, folder: Path) -> None:
    tab.keyboard.press("h")
    tab.keyboard.press("5")
    tab.locator("#next").dblclick()
    tab.wait_for_url("**/sample/2")
    tab.keyboard.press("h")
    tab.keyboard.press("5")
    tab.evaluate("for (let n = 0; n < 5; n += 1) document.getElementById('answer').requestSubmit()")
    tab.wait_for_url("**/sample/3")
    assert mine(folder) == [(1, "human", 5), (1, "human", 5)]


def test_two_tabs_neither_lose_nor_double(tab: Page, folder: Path) -> None:
    second = tab.context.new_page()
    second.goto(tab.url)
    by_shortcut(tab, 5)
    tab.wait_for_url("**/sample/2")
    second.bring_to_front()
    by_shortcut(second, 1)  # the same sample, answered otherwise from a page that is out of date
    second.wait_for_url("**/sample/1?stale")
    expect(second.get_by_role("alert")).to_contain_text("in another window")
    expect(second.locator("#rating-5")).to_be_checked()
    assert mine(folder) == [(1, "machine", 5)]
    by_shortcut(second, 2)  # now they know, and change it
    second.wait_for_url("**/sample/2")
    assert mine(folder) == [(1, "machine", 5), (2, "machine", 2)]


def test_back_shows_the_answer_and_changes_it(tab: Page, folder: Path) -> None:
    by_shortcut(tab, 4)
    tab.wait_for_url("**/sample/2")
    tab.go_back()
    tab.wait_for_url("**/sample/1")
    expect(tab.locator("#rating-4")).to_be_checked()
    expect(tab.locator("[name=seen]").first).to_have_value("1")
    by_shortcut(tab, 4)  # the same again is nothing new to the report
    tab.wait_for_url("**/sample/2")
    tab.go_back()
    tab.wait_for_url("**/sample/1")
    by_shortcut(tab, 1)
    tab.wait_for_url("**/sample/2")
    standing = mine(folder)[-1]
    assert standing[1:] == ("machine", 1)
    assert len({revision for revision, _, _ in mine(folder)}) == len(mine(folder))


def test_undo_by_key_and_by_button(tab: Page, folder: Path) -> None:
    by_shortcut(tab, 2)
    tab.wait_for_url("**/sample/2")
    tab.keyboard.press("u")
    tab.wait_for_url("**/sample/1")
    expect(tab.locator("fieldset input:checked")).to_have_count(0)
    expect(tab.locator("#undo")).to_have_count(0)
    by_shortcut(tab, 3)
    tab.wait_for_url("**/sample/2")
    tab.locator("#undo").dblclick()
    tab.wait_for_url("**/sample/1")
    assert mine(folder) == [(1, "machine", 2), (2, None, None), (3, "machine", 3), (4, None, None)]


def test_a_lost_network_loses_nothing(tab: Page, folder: Path) -> None:
    tab.context.set_offline(True)
    by_shortcut(tab, 2)
    expect(tab.get_by_role("status")).to_contain_text("No connection")
    tab.keyboard.press("Enter")
    assert mine(folder) == []
    tab.context.set_offline(False)
    tab.wait_for_url("**/sample/2")
    assert mine(folder) == [(1, "machine", 2)]


def test_an_answer_whose_acknowledgement_is_lost_is_kept_once(tab: Page, folder: Path) -> None:
    lost: list[int] = []

    def lose_the_reply(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)  # it reached the server; the browser never hears of it
        route.abort("connectionreset")

    tab.route("**/sample/1", lose_the_reply)
    by_shortcut(tab, 2)
    tab.wait_for_url("**/sample/2")
    assert lost == [200]
    assert mine(folder) == [(1, "machine", 2)]


def test_a_server_that_fails_for_a_moment(tab: Page, folder: Path) -> None:
    answers = iter([503, 500, 429])

    def fail_first(route: Route) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, body="")

    tab.route("**/sample/1", fail_first)
    by_shortcut(tab, 2)
    tab.wait_for_url("**/sample/2")
    assert mine(folder) == [(1, "machine", 2)]


def test_nothing_is_sent_before_both_questions_are_answered(tab: Page, folder: Path) -> None:
    tab.keyboard.press("m")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.querySelector('#answer').checkValidity()") is False
    assert tab.url.endswith("/sample/1")
    assert mine(folder) == []


def test_shortcuts_can_be_switched_off_for_good(tab: Page) -> None:
    tab.get_by_label("Keyboard shortcuts").uncheck()
    tab.keyboard.press("h")
    expect(tab.locator("#human")).not_to_be_checked()
    tab.reload()
    tab.keyboard.press("h")
    expect(tab.locator("#human")).not_to_be_checked()
    expect(tab.locator("label[for=human] kbd")).to_be_hidden()


def test_an_image_that_vanishes_is_said(tab: Page) -> None:
    tab.route("**/pictures/*", lambda route: route.fulfill(status=404))
    tab.reload()
    expect(tab.get_by_text("The picture cannot be shown")).to_be_visible()


def test_a_wrong_code_is_said(browsers: Browsers, server: Server) -> None:
    tab = browsers.rater(phone=True).new_page()
    tab.goto(server.address)
    tab.get_by_label("Your invitation code").fill("0000-0000-0000-0000")
    tab.get_by_role("button", name="Begin").click()
    expect(tab.get_by_role("alert")).to_contain_text("There is no such code")


def test_the_code_of_a_link_leaves_the_address_bar(browsers: Browsers, server: Server, folder: Path) -> None:
    tab = browsers.rater().new_page()
    (code,) = codes(folder, 1)
    tab.goto(f"{server.address}/#{code}")
    expect(tab.get_by_label("Your invitation code")).to_have_value(code)
    assert tab.url == f"{server.address}/"


def add_style(context: BrowserContext, style: str) -> None:
    """Let a browser's fonts and lines be others."""

    def extend(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text() + style)

    context.route("**/static/survey.css", extend)


@pytest.mark.parametrize(
    ("look", "style"), [((False, False), ""), ((True, True), ""), ((False, True), TALL_FONT)]
)
def test_accessibility_of_every_page(
    browsers: Browsers, server: Server, folder: Path, look: tuple[bool, bool], style: str
) -> None:
    """By the rules of axe: labels, roles, contrast and the rest."""
    phone, dark = look
    context = browsers.rater(phone=phone, dark=dark)
    add_style(context, style)
    tab = context.new_page()
    axe = Axe()

    def check() -> None:
        found = axe.run(tab)
        assert found.violations_count == 0, found.generate_report()
        assert tab.evaluate(SCROLLERS) == []

    tab.goto(server.address)
    check()
    tab = enter(context.new_page(), server.address, *codes(folder, 1))
    check()
    tab.locator("#human").click()
    check()
    tab.locator("#rating-0").click()
    tab.locator("#next").click()
    tab.wait_for_url("**/sample/2")
    samples = [f"/sample/{place}" for place in range(1, SAMPLES + 1)]
    for path in (*samples, "/sample/1?stale", "/done", "/consent", "/nothing"):
        tab.goto(server.address + path)
        check()


@pytest.mark.parametrize("style", ["", TALL_FONT])
def test_focus_goes_through_the_page_in_order_and_is_seen(tab: Page, style: str) -> None:
    add_style(tab.context, style)
    by_shortcut(tab, 1)
    tab.wait_for_url("**/sample/2")
    order = []
    for _ in range(5):
        tab.keyboard.press("Tab")
        order.append(tab.evaluate("document.activeElement.id"))
        outline = tab.evaluate(
            "() => { const e = document.activeElement;"
            " return getComputedStyle(e.matches('fieldset input') ? e.nextElementSibling : e).outlineWidth }"
        )
        assert outline == "3px"
    assert order == ["human", "rating-0", "next", "undo", "keys"]


def test_reduced_motion_moves_nothing(tab: Page) -> None:
    moving = "all => all.filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    assert tab.eval_on_selector_all("*", moving) == 0
