"""Style and script inside a page that loads nothing, and the hash that lets its policy allow them."""

import base64
import hashlib
from importlib.resources import files

from markupsafe import Markup


def read_asset(package: str, name: str) -> Markup:
    """A file of the package's `templates`, to stand in a page as it is."""
    return Markup((files(package) / "templates" / name).read_text("utf-8"))  # noqa: S704 - our own file


def read_style(package: str, name: str) -> Markup:
    """A style sheet of the package after the theme that all pages share."""
    return read_asset("dataset.pages", "theme.css") + read_asset(package, name)


def source_hash(text: str) -> str:
    """A hash-source of a content security policy (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
