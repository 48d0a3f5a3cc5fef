"""Takes the pictures of the survey that the docs show: `python -m tests.dataset.survey.screenshots`."""

import argparse
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from dataset.survey.report.write import write_report
from tests.dataset.survey.browsers import Browsers, enter, open_browsers
from tests.dataset.survey.server import Server, serving
from tests.dataset.survey.simulate import guess_blindly, simulate, tell_often
from tests.dataset.survey.surveys import codes, make_survey

WINDOWS = ("phone", "desktop")
ANSWERED = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, open_browsers() as browsers:
        survey = Path(place, "survey")
        make_survey(survey, 40)
        with serving(survey) as server:
            for name, code in zip(WINDOWS, codes(survey, 2), strict=True):
                take_survey(open_tab(browsers, name), server, code, folder / f"survey-sample-{name}.png")
        page = make_report(Path(place))
        for name in WINDOWS:
            tab = open_tab(browsers, name)
            tab.goto(page.as_uri())
            shoot(tab, folder / f"survey-report-{name}.png")


def open_tab(browsers: Browsers, window: str) -> Page:
    """A dark phone, or a light desktop."""
    phone = window == "phone"
    return browsers.rater(phone=phone, dark=phone, scale=2 if phone else 1).new_page()


def take_survey(tab: Page, server: Server, code: str, target: Path) -> None:
    """A sample in the middle, half answered."""
    enter(tab, server.address, code)
    for place in range(1, ANSWERED + 1):
        tab.wait_for_url(f"**/sample/{place}")
        for key in ("h", "4", "Enter"):
            tab.keyboard.press(key)
    tab.wait_for_url(f"**/sample/{ANSWERED + 1}")
    tab.keyboard.press("m")
    tab.keyboard.press("4")
    tab.wait_for_load_state("networkidle")
    shoot(tab, target)


def make_report(place: Path) -> Path:
    """Two rounds of simulated raters."""
    rounds = (place / "mixed", place / "machine")
    make_survey(rounds[0], 40)
    make_survey(rounds[1], 40, machine_only=True)
    simulate(rounds[0], 12, tell_often, seed=3)
    simulate(rounds[1], 12, guess_blindly, seed=4)
    write_report(rounds, place / "report")
    return place / "report" / "report.html"


def shoot(tab: Page, target: Path) -> None:
    tab.screenshot(path=target)
    Image.open(target).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(target, optimize=True)


if __name__ == "__main__":
    main()
