"""Code and tests import only what their locks install: nothing is there by luck on one machine."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"common", "dataset", "producer", "workers", "tests"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEAN = PROJECT["project"]["dependencies"]
CONTROL = [*LEAN, *PROJECT["project"]["optional-dependencies"]["score"]]
WORKER = [*LEAN, *PROJECT["project"]["optional-dependencies"]["worker"]]
DEVELOPER = [*WORKER, *PROJECT["dependency-groups"]["dev"]]


@pytest.mark.parametrize(
    ("rooms", "requirements", "lock"),
    [
        (("common", "dataset", "producer"), CONTROL, "requirements.lock"),
        (("workers",), WORKER, "requirements-worker.lock"),
        (("tests",), DEVELOPER, "requirements-dev.lock"),
    ],
)
def test_what_is_imported_is_installed(rooms: tuple[str, ...], requirements: list[str], lock: str) -> None:
    lines = [*requirements, *(ROOT / lock).read_text().splitlines()]
    installed = {_distribution(line) for line in lines if line[:1].isalnum()}
    providers = packages_distributions()
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    imported = {name for path in files for name in _imports(ast.parse(path.read_bytes()))}
    assert len(imported) > 20
    third_party = imported - OURS - sys.stdlib_module_names
    assert not {one for one in third_party if not installed & {*map(_distribution, providers.get(one, ()))}}


def _imports(node: ast.AST) -> Iterator[str]:
    """Top names of all imports but those for types alone."""
    if isinstance(node, ast.Import):
        yield from (name.name.partition(".")[0] for name in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module.partition(".")[0]
    elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for child in ast.iter_child_nodes(node):
            yield from _imports(child)


def _distribution(requirement: str) -> str:
    """Its name, as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;~! ]", requirement)[0]).lower()
