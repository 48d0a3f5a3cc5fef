"""The table of every setting, from the code: `python -m common.settings.table > docs/settings.md`."""

import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from common.settings import Settings
from common.settings.presets import PRESETS

HEAD = """# Settings

Environment variables, read once at the start of a process. Lists are comma-separated; an empty string is an
empty list. A variable that does not exist or holds something impossible is an error that names it.
This page is written by `python -m common.settings.table`.
"""


def settings_page() -> str:
    """The page as Markdown."""
    return "\n".join([HEAD, *_rows(), "", *_presets()]) + "\n"


def _rows() -> Iterator[str]:
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    yield from _fields(Settings, "FLEET_")


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name.upper()}_")
        else:
            yield f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", ()):
        return "*empty*"
    return f"`{','.join(map(str, value)) if isinstance(value, tuple) else value}`"


def _presets() -> Iterator[str]:
    yield "## Presets of `FLEET_MODELS`"
    for name, preset in PRESETS.items():
        yield ""
        yield f"- `{name}`: `{preset.captioner}` writes,"
        yield f"  `{preset.ranker}` ranks, `{preset.selector}` selects."
        if preset.sampling:
            own = ", ".join(f"`{key}` {value}" for key, value in preset.sampling.items())
            yield f"  Its own sampling settings, where you set none: {own}."


if __name__ == "__main__":
    sys.stdout.write(settings_page())
