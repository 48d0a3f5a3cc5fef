"""Chromium, headless and alone, through Playwright."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, sync_playwright

from tests.programs import needs, require

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
needs_chromium = needs("chromium")


@contextmanager
def browser(width: int, height: int, *, dark: bool = False, scale: float = 1) -> Iterator[BrowserContext]:
    """A browser with a new profile and a window of this size."""
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=require("chromium"),
            args=FLAGS,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            device_scale_factor=scale,
        )
        try:
            yield context
        finally:
            context.close()
