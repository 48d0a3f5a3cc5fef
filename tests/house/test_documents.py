"""The documents say what the code does."""

import re
from pathlib import Path

from common.settings.table import settings_page

ROOT = Path(__file__).parents[2]


def test_the_settings_page_is_the_codes() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page(), (
        "run python -m common.settings.table"
    )


def test_links_between_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
