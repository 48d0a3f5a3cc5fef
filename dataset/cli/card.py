"""The command that prints or writes a card."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from common.console.cli import load_settings, output_uri
from dataset.cli.options import Output


def card_command(
    *,
    output: Output = None,
    name: Annotated[str | None, typer.Option(help="Title of the data set.")] = None,
    license_: Annotated[
        str | None, typer.Option("--license", help="Of the captions, as the Hub spells it, e.g. cc-by-4.0.")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="Where to ask for the removal of rows.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the captions, e.g. en.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the data set, in place of the one there.")
    ] = False,
) -> None:
    """Print the card of a merged data set, or write it there.

    `dataset merge` writes one as README.md already; what is not given here is as that one says.

    Example: dataset card --name "Our captions" --license cc-by-4.0 --contact data@example.org --write
    """
    from common.store import absolute_uri, open_store
    from dataset.card.card import render_card
    from dataset.card.card_file import read_texts
    from dataset.card.licences import require_licence
    from dataset.files.data_file import read_tally
    from dataset.files.folder import require_merged
    from dataset.files.keys import CARD_KEY

    settings = load_settings()
    store = open_store(absolute_uri(output_uri(output, settings)), settings.s3)
    merged = require_merged(store)
    given = {"name": name, "license": license_ and require_licence(license_)}
    given |= {"contact": contact, "language": language}
    texts = replace(
        read_texts(store.read(CARD_KEY)), **{key: text for key, text in given.items() if text is not None}
    )
    card = render_card(merged, read_tally(store, merged.files, settings.s3), texts)
    if write:
        store.replace(CARD_KEY, card.encode())
    else:
        sys.stdout.write(card)
