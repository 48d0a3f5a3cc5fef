"""Raters' browsers: a desktop with mouse and keyboard, and a phone with a touch screen."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.dataset.browser import FLAGS
from tests.dataset.survey.server import Client, Server
from tests.programs import require

DESKTOP, PHONE = (1280, 800), (390, 844)


class Browsers:
    """One chromium; every rater gets a profile of their own."""

    def __init__(self) -> None:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=require("chromium"), args=FLAGS)
        self._contexts: list[BrowserContext] = []

    def rater(
        self, *, phone: bool = False, dark: bool = False, scale: float = 1, script: bool = True
    ) -> BrowserContext:
        width, height = PHONE if phone else DESKTOP
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            has_touch=phone,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
            device_scale_factor=scale,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        self._contexts.append(context)
        return context

    def leave(self) -> None:
        """Close every rater's browser."""
        while self._contexts:
            self._contexts.pop().close()

    def close(self) -> None:
        self._chromium.close()
        self._playwright.stop()


@contextmanager
def open_browsers() -> Iterator[Browsers]:
    browsers = Browsers()
    try:
        yield browsers
    finally:
        browsers.leave()
        browsers.close()


def enter(tab: Page, address: str, code: str) -> Page:
    """With the link that raters get, as far as the first sample."""
    tab.goto(f"{address}/#{code}")
    tab.get_by_role("button", name="Begin").click()
    tab.wait_for_url("**/consent")
    tab.get_by_label("I have read this").check()
    tab.get_by_role("button", name="Start").click()
    tab.wait_for_url("**/sample/1")
    return tab


def sign_in(context: BrowserContext, server: Server, code: str) -> Page:
    """At the first sample too, without the pages before it."""
    client = Client(server.port)
    client.enter(code)
    client.close()
    context.add_cookies(
        [{"name": name, "value": value, "url": server.address} for name, value in client.cookies.items()]
    )
    tab = context.new_page()
    tab.goto(f"{server.address}/sample/1")
    return tab
