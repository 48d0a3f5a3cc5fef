"""Settings of the rows that are left out."""

from typing import Annotated

from pydantic import Field

from common.settings.fields import CommaSeparated, EmptyIsNone, Group, Home


class FilterSettings(Group):
    """Rows that are left out before anything is downloaded; a row without the column passes."""

    deny: Annotated[tuple[str, ...], CommaSeparated] = Field(
        (),
        description="hosts (with their subdomains), addresses, patterns (*://host/private/*), SHA-256s",
    )
    deny_file: Annotated[str | None, EmptyIsNone, Home] = Field(
        None,
        description="a file of the same, one a line; # begins a comment; docs/dataset.md has the grammar",
    )
    block_files: Annotated[tuple[str, ...], CommaSeparated] = Field(
        (),
        description="files of hashes of images, one a line: MD5 and SHA-256; PDQ in those named `pdq=path`",
    )
    max_punsafe: Annotated[float | None, EmptyIsNone] = Field(None, description="highest punsafe")
    max_pwatermark: Annotated[float | None, EmptyIsNone] = Field(None, description="highest pwatermark")
    min_width: Annotated[int | None, EmptyIsNone] = Field(None, description="smallest WIDTH in pixels")
    min_height: Annotated[int | None, EmptyIsNone] = Field(None, description="smallest HEIGHT in pixels")
    min_similarity: Annotated[float | None, EmptyIsNone] = Field(
        None, description="lowest similarity of picture and original text"
    )
