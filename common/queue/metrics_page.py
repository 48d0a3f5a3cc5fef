"""Every metric, from the code: `python -m common.queue.metrics_page > docs/metrics.md`."""

import sys
from collections.abc import Iterator

from prometheus_client.metrics import MetricWrapperBase

import common.metrics
from common.metrics import LABELS, Stage
from common.queue.exporter import GAUGES
from common.queue.host_metrics import HOST_GAUGES
from common.run.gauges import RUN_GAUGES, LabelledGauge

HEAD = """# Metrics

In the format of Prometheus. A worker serves its own on `/metrics` where `FLEET_METRICS_PORT` is set: counted
in all of its processes, also in those that crashed. `python -m common.queue.exporter` serves the queue's
and the hosts', also while there is no worker; `python -m producer.exporter` says how far a run is.
[When it goes wrong](when-it-goes-wrong.md) tells what to do about each alert.
This page is written by `python -m common.queue.metrics_page`.
"""

SUFFIXES = {"counter": "_total", "gauge": "", "histogram": "_bucket, _sum, _count"}


def metrics_page() -> str:
    """The page as Markdown."""
    return "\n".join([HEAD, *_workers(), "", *_stages(), "", *_queue(), "", *_hosts(), "", *_run()]) + "\n"


def worker_metrics() -> list[MetricWrapperBase]:
    """Those of `common.metrics`, in its order."""
    return [one for one in vars(common.metrics).values() if isinstance(one, MetricWrapperBase)]


def _workers() -> Iterator[str]:
    yield from ("## A worker's", "", "| metric | kind | labels | meaning |", "|---|---|---|---|")
    for metric in worker_metrics():
        (family,) = metric.describe()
        series = f"`{family.name}{SUFFIXES[family.type]}`"
        yield f"| {series} | {family.type} | {_labels(metric)} | {family.documentation} |"


def _labels(metric: MetricWrapperBase) -> str:
    names = metric._labelnames  # noqa: SLF001 - there is no public way to ask
    unknown = [name for name in names if name not in LABELS]
    if unknown:
        raise RuntimeError(f"label {unknown[0]!r} of {metric} has no meaning in LABELS of common/metrics.py")
    return "; ".join(f"`{name}`: {LABELS[name]}" for name in names)


def _stages() -> Iterator[str]:
    yield from ("| `stage` | one measurement covers |", "|---|---|")
    yield from (f"| `{stage}` | {stage.meaning} |" for stage in Stage)


def _queue() -> Iterator[str]:
    yield from ("## The queue's", "", "| metric | kind | meaning |", "|---|---|---|")
    yield from (f"| `{gauge.name}` | gauge | {gauge.meaning} |" for gauge in GAUGES)


def _run() -> Iterator[str]:
    yield from _labelled("## A run's", RUN_GAUGES)


def _hosts() -> Iterator[str]:
    yield from _labelled("## The hosts'", HOST_GAUGES)


def _labelled(title: str, gauges: tuple[LabelledGauge, ...]) -> Iterator[str]:
    yield from (title, "", "| metric | kind | labels | meaning |", "|---|---|---|---|")
    for gauge in gauges:
        label = f"`{gauge.label}`" if gauge.label else ""
        yield f"| `{gauge.name}` | gauge | {label} | {gauge.meaning} |"


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
