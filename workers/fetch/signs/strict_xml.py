"""A reader of strangers' XML that refuses document types, so that no entity is expanded."""

from typing import Protocol
from xml.parsers import expat


class DocumentTypeError(Exception):
    """The XML defines entities, or may."""


class XmlReader(Protocol):
    """Takes elements and text in their order; names are a namespace, a space and a local name."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """It ends."""

    def take_text(self, text: str) -> None:
        """Text within it."""


def parse_xml(body: bytes, reader: XmlReader) -> None:
    """Tell `reader` what `body` holds, as far as it is well-formed.

    Raises:
        ExpatError: it is not.
        DocumentTypeError: it has a document type.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.take_text
    parser.Parse(body, True)


def _refuse_document_type(*_: object) -> None:
    raise DocumentTypeError
