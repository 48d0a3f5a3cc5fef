"""The one kind of template environment: strict about names, tidy about blocks."""

import jinja2


def make_environment(
    package: str, *, autoescape: bool, keep_trailing_newline: bool = False
) -> jinja2.Environment:
    """An environment over the `templates` of a package.

    Args:
        package: such as `dataset.survey`.
        autoescape: True for HTML; Markdown escapes by filters of its own.
        keep_trailing_newline: of a template.
    """
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=autoescape,  # noqa: S701 - the caller says which
        keep_trailing_newline=keep_trailing_newline,
    )
