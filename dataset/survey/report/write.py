"""Writing the report's files."""

from collections.abc import Collection, Sequence
from pathlib import Path

from common.errors import FleetError
from dataset.survey.report.export import write_answers
from dataset.survey.report.observations import read_round
from dataset.survey.report.render import to_json, to_markdown, to_page
from dataset.survey.report.tables import Tables, tables

PAGE, MARKDOWN, JSON, ANSWERS = "report.html", "report.md", "report.json", "answers.parquet"


def write_report(folders: Sequence[Path], target: Path, without: Collection[int] = ()) -> list[Tables]:
    """Report surveys, each a round of its own, into the folder `target`, replacing earlier reports.

    Raises:
        FleetError: a survey is damaged or has no answers, or the folder cannot be written.
    """
    rounds = [read_round(folder, without) for folder in folders]
    pairs = [(one.folder, tables(one)) for one in rounds]
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / JSON).write_text(to_json(pairs), "utf-8")
        (target / MARKDOWN).write_text(to_markdown(pairs, target), "utf-8")
        (target / PAGE).write_text(to_page(pairs), "utf-8")
        write_answers(rounds, target / ANSWERS)
    except OSError as error:
        raise FleetError(f"{target}: {error.strerror or error}; give another --output") from error
    return [one for _, one in pairs]
