"""The input's columns, in the spellings that people use and of the types that can be used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from common.console.words import quote

SPELLINGS: Mapping[str, Sequence[str]] = {
    "URL": ("url", "image_url"),
    "TEXT": ("text", "caption", "alt_text", "alt"),
    "WIDTH": ("width", "original_width"),
    "HEIGHT": ("height", "original_height"),
    "similarity": ("similarity", "clip_similarity_vitb32", "clip_similarity"),
    "hash": ("hash",),
    "pwatermark": ("pwatermark",),
    "punsafe": ("punsafe",),
}

CHARACTERS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


class ColumnsError(ValueError):
    """The columns cannot be used; the message says which and why, the caller adds the place."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The input's column for one of ours, and better-named ones whose type cannot be used."""

    column: str | None
    passed_over: tuple[pa.Field, ...]


def input_columns(schema: pa.Schema) -> dict[str, str]:
    """Our name of each column that the input has -> the input's own spelling of it.

    The published spelling wins over others, and among those the earlier in `SPELLINGS`; a column whose
    type cannot be used gives way to the next.
    """
    choices = {name: choose_column(name, schema) for name in SPELLINGS}
    return {name: choice.column for name, choice in choices.items() if choice.column is not None}


def choose_column(name: str, schema: pa.Schema) -> Choice:
    """The first usable column in the order of preference."""
    passed_over: list[pa.Field] = []
    for field in _candidates(name, schema):
        if _is_usable(name, plain_type(field.type)):
            return Choice(field.name, tuple(passed_over))
        passed_over.append(field)
    return Choice(None, tuple(passed_over))


def require_columns(schema: pa.Schema) -> None:
    """Check that there is a usable URL column, and that TEXT is usable where there is one.

    Raises:
        ColumnsError: they are not, or a name is ambiguous.
    """
    require_distinct(schema)
    require_usable(schema)
    if "URL" not in input_columns(schema):
        raise ColumnsError(f"no URL column among {quote(', '.join(schema.names[:10]))}; name it URL or url")


def require_usable(schema: pa.Schema) -> None:
    """Raise ColumnsError where columns are named URL or TEXT and none of them has a type that can be used."""
    for name in ("URL", "TEXT"):
        choice = choose_column(name, schema)
        if choice.column is None and choice.passed_over:
            field = choice.passed_over[0]
            raise ColumnsError(
                f"column {field.name} holds {quote(field.type)}, not text;"
                f" make it text, or rename it and name another column {name}"
            )


def require_distinct(schema: pa.Schema) -> None:
    """Raise ColumnsError where two columns have the name of one that is read."""
    for column in input_columns(schema).values():
        if schema.names.count(column) > 1:
            raise ColumnsError(f"two columns are named {column}; rename or drop one")


def unused_columns(schema: pa.Schema) -> Iterator[str]:
    """A sentence for each column that has one of our names and a type that cannot be used."""
    for name in SPELLINGS:
        choice = choose_column(name, schema)
        instead = f"{choice.column} is read instead" if choice.column else f"{name} will be null"
        for field in choice.passed_over:
            yield f"column {field.name} holds {quote(field.type)}: {instead}"


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves: without dictionary and extension around them."""
    while True:
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        elif isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        else:
            return kind


def is_characters(kind: pa.DataType) -> bool:
    """Whether the values are texts or bytes, of any layout."""
    return any(test(kind) for test in CHARACTERS)


def _candidates(name: str, schema: pa.Schema) -> list[pa.Field]:
    """Fields of a known spelling, best first; the order of the file decides among equals."""
    ranks = {spelling: rank for rank, spelling in enumerate((name, *SPELLINGS[name]))}
    exact = [field for field in schema if field.name == name]
    known = [field for field in schema if field.name != name and field.name.lower() in ranks]
    return exact + sorted(
        known, key=lambda field: (ranks[field.name.lower()], field.name.lower() != field.name)
    )


def _is_usable(name: str, kind: pa.DataType) -> bool:
    return is_characters(kind) if name == "URL" else not pa.types.is_nested(kind)
