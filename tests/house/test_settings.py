"""A setting that is documented does something."""

import re
from pathlib import Path

import pytest

from common.settings import Settings
from common.settings.fields import Group

ROOT = Path(__file__).parents[2]
ROOMS = ("common", "dataset", "producer", "workers")
CODE = "\n".join(
    path.read_text()
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if path.parent.name != "settings" or path.name == "tree.py"
)


def variables() -> list[tuple[str, str]]:
    """Every variable, and the field that holds it."""
    found = []
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Group) else None
        if fields is None:
            found.append((f"FLEET_{name.upper()}", name))
        else:
            found.extend((f"FLEET_{name}_{field}".upper(), field) for field in fields)
    return found


@pytest.mark.parametrize(("variable", "field"), variables())
def test_every_setting_is_read(variable: str, field: str) -> None:
    assert re.search(rf"\.{field}\b", CODE), f"{variable} is read by no code"
