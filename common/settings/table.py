"""The page of every setting, from the code: `python -m common.settings.table > docs/settings.md`."""

import inspect
import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from common.settings.fields import Group
from common.settings.presets import PRESETS, Preset
from common.settings.tree import PREFIX, Settings

HEAD = """# Settings

Environment variables, read once at the start of a process. Lists are comma-separated; an empty string is an
empty list. A variable that does not exist, or holds something impossible, is an error that names it: also a
value that begins with a quote, has spaces at its ends or holds a line end, as env files may leave them.
`LOG_LEVEL` is `DEBUG`, `INFO` (the default), `WARNING`, `ERROR` or `CRITICAL`.
This page is written by `python -m common.settings.table`.
"""


def settings_page() -> str:
    """The page as Markdown: a section for each group, under the group's own words."""
    sections = [_section("The fleet", Settings, PREFIX)]
    for name, field in Settings.model_fields.items():
        group = _group(field)
        if group is not None:
            sections.append(_section(name.capitalize(), group, f"{PREFIX}{name.upper()}_"))
    return "\n".join([HEAD, *sections, *_presets()]) + "\n"


def _group(field: FieldInfo) -> type[Group] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Group) else None


def _section(title: str, model: type[BaseModel], prefix: str) -> str:
    return "\n".join([f"## {title}", "", inspect.getdoc(model) or "", "", *_rows(model, prefix), ""])


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield from ("| variable | default | meaning |", "|---|---|---|")
    for name, field in model.model_fields.items():
        if _group(field) is None:
            yield f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    return "*empty*" if value is None or value in ("", ()) else f"`{as_written(value)}`"


def as_written(value: object) -> str:
    """A value as people write it into a variable."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _presets() -> Iterator[str]:
    yield "## Presets of `FLEET_MODELS`"
    for name, preset in PRESETS.items():
        yield ""
        yield f"- `{name}`: `{preset.captioner}` writes,"
        yield f"  `{preset.ranker}` ranks, `{preset.selector}` selects."
        if preset.sampling:
            yield f"  Its own sampling, where you set none: {', '.join(_sampling(preset))}."


def _sampling(preset: Preset) -> Iterator[str]:
    for name, value in preset.sampling.items():
        yield f"`{PREFIX}SAMPLING_{name.upper()}={as_written(value)}`"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
