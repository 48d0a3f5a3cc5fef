"""The documents say what the code does."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from common.metrics import LABELS
from common.queue.metrics_page import metrics_page
from common.run.failure_record import Reason
from common.run.schema_page import schema_page
from common.run.status import Status
from common.settings import Settings
from common.settings.table import settings_page
from workers.delivery.result import End

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
PAGES = {
    "settings.md": (settings_page, "common.settings.table"),
    "shards.md": (schema_page, "common.run.schema_page"),
    "metrics.md": (metrics_page, "common.queue.metrics_page"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_the_codes(name: str) -> None:
    make, module = PAGES[name]
    assert (ROOT / "docs" / name).read_text() == make(), f"run python -m {module} > docs/{name}"


def test_the_labels_of_metrics_are_explained_with_the_values_that_they_have() -> None:
    for reason in Reason:
        assert f"`{reason}`" in LABELS["reason"]
    for end in {*End} - {End.SETTLED}:
        assert f"`{end}`" in LABELS["end"]


def test_every_group_and_every_setting_is_explained() -> None:
    def check(model: type[BaseModel]) -> None:
        assert model.__doc__, model
        for name, field in model.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                check(kind)
            else:
                assert field.description, f"{model.__name__}.{name}"

    check(Settings)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]+))?\)", document.read_text()):
        place = document.parent / target if target else document
        assert place.exists(), target
        if anchor:
            assert anchor in _anchors(place), f"{target}#{anchor}"


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short_and_shows_the_gallery() -> None:
    assert len(README.split()) <= 600
    (image,) = re.findall(r"^!\[[^\]]+\]\((docs/images/gallery[\w-]*\.png)\)$", README, re.MULTILINE)
    assert (ROOT / image).stat().st_size < 500_000
    assert "make demo" in README
    assert "make test" in README


def test_the_readme_names_every_status() -> None:
    (listed,) = re.findall(r"status is one of `([^`]+)`", README)
    assert re.split(r",\s+", listed) == [str(status) for status in Status], "README.md, What comes out"


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"]({page.name})" in index, page.name
    assert "](docs/index.md)" in README
    assert "](docs/architecture.md)" in README


SAFE = re.compile(
    r"'\.(\[worker\])?'|--require-hashes|--no-deps|'caption-fleet\[worker\] @ git\+https://HOST/OWNER/REPOSITORY'"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_nobody_is_told_to_install_a_name_that_anybody_could_register(document: Path) -> None:
    for line in re.findall(r"pip install [^\n|]*", document.read_text()):
        assert SAFE.search(line), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_no_address_of_the_project_is_invented(document: Path) -> None:
    text = document.read_text()
    assert not re.search(r"(github|gitlab)\.com/|(ghcr|quay|docker)\.io/|[\w.]+@[\w-]+\.\w+", text), (
        document.name
    )


ELSEWHERE = {
    'secret "fleet" not found',
    "kubectl describe pod",
    "couldn't find key FLEET_FETCH_CONTACT",
    "couldn't find key FLEET_CAPTIONER",
    "change-me",
    "fleet-models.json: No such file",
    "Unable to load celery application",
}
"""Said by Kubernetes, by the system and by Celery."""


def test_the_messages_that_the_help_explains_are_those_of_the_code() -> None:
    table = (ROOT / "docs" / "when-it-goes-wrong.md").read_text().partition("| message | remedy |\n")[2]
    cells = re.findall(r"^\| ([^|]+) \|", table.partition("\n\n")[0], re.MULTILINE)
    messages = {message for cell in cells for message in re.findall(r"`([^`]+)`", cell)} - ELSEWHERE
    code = "".join(path.read_text() for room in ("common", "workers") for path in (ROOT / room).rglob("*.py"))
    assert len(messages) > 8
    for message in messages:
        said = message.removeprefix("error: ").rpartition("...: ")[2]
        assert said in code, message
