"""Status and audit of a run as text."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from common.console.words import printable, quote

if TYPE_CHECKING:
    from producer.run_status import RunStatus
    from producer.verify import Verdict


DEAD = "`producer verify` says why batches are dead, `producer requeue --dead` tries them again."


def status_table(state: "RunStatus") -> RenderableType:
    """A bar, the batches, the rows by status, rate and time left."""
    bar = Table.grid()
    bar.add_row(ProgressBar(total=state.rows.total, completed=state.rows.done, width=60))
    advice = [Text(DEAD, style="red")] if state.batches.dead else []
    if state.last_return is not None:
        advice.append(
            Text(f"Batches go back to the queue: {quote(state.last_return.reason)}", style="yellow")
        )
    return Group(bar, _batches(state), *advice, _rows(state), *_hosts(state))


def verdict_text(verdict: "Verdict") -> str:
    """The audit as lines of text: the counts, then a line for each problem."""
    counts = (
        f"{verdict.rows_found} of {verdict.rows_expected} rows found, {verdict.duplicates} twice,"
        f" {verdict.bad_shards} bad shards, {len(verdict.problems)} problems"
    )
    sample = [] if verdict.sample is None else [str(verdict.sample)]
    return "\n".join([counts, *sample, *map(printable, verdict.problems)])


def _batches(state: "RunStatus") -> Table:
    table = Table(title="batches", title_justify="left", box=None, pad_edge=False)
    counts = state.to_json()["batches"]
    for name in counts:
        table.add_column(name, justify="right")
    table.add_row(*(_number(count) for count in counts.values()))
    return table


def _rows(state: "RunStatus") -> Table:
    table = Table(title="rows", title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column("what")
    table.add_column("how many", justify="right")
    table.add_row("total", _number(state.rows.total))
    table.add_row("done", _number(state.rows.done))
    for status, count in sorted((state.rows.by_status or {}).items(), key=lambda item: -item[1]):
        table.add_row(Text(f"  {quote(status)}"), _number(count))
    if not state.is_finished:
        table.add_row("rows a second", _number(state.rows_per_second))
        table.add_row("time left", _time(state.eta_seconds))
    return table


def _hosts(state: "RunStatus") -> Iterator[Text]:
    """A line for each host that is left alone, or whose budget bounds the fleet (docs/manners.md)."""
    if state.hosts is None or state.is_finished:
        return
    for quiet in state.hosts.quiet:
        yield Text(
            f"{quote(quiet.host)} is left alone for {quiet.seconds:.0f} s, after {quote(quiet.reason)}"
        )
    for full in state.hosts.full:
        rate = "" if full.per_second is None else f", which permit {full.per_second:.1f} requests a second"
        yield Text(f"{quote(full.host)} holds the fleet back: its {full.slots} slots are taken{rate}")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _time(seconds: float | None) -> str:
    return "unknown" if seconds is None else str(timedelta(seconds=round(seconds)))
