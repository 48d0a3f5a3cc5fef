"""XMP packets: IPTC's and PLUS' data mining property, and TDMRep's reservation.

http://ns.useplus.org/LDF/ldf-XMPSpecification, IPTC photo metadata standard, W3C TDMRep. Document types are
refused, so that no entity is expanded.
"""

import re
from collections.abc import Iterator
from xml.parsers import expat

from common.signs import Family, Honoured
from workers.fetch.signs.metadata import MAX_PACKET
from workers.fetch.signs.strict_xml import DocumentTypeError, parse_xml

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PLUS = "http://ns.useplus.org/ldf/xmp/1.0/ DataMining"
_TDM = tuple(f"http://www.w3.org/ns/tdmrep{end} reservation" for end in ("", "/", "#"))
_FAMILIES = {_PLUS: Family.PLUS, **dict.fromkeys(_TDM, Family.TDM_XMP)}
_VALUES = (f"{_RDF} resource", f"{_RDF} value")
_HOLDERS = frozenset({f"{_RDF} li", f"{_RDF} value"})
"""Elements within a property that hold its value; others hold qualifiers."""
_VOCABULARY = re.compile(r"(?:https?://ns\.useplus\.org/ldf/vocab/)?(DMI-[A-Z-]+)/?")
_PROHIBITED = frozenset(
    f"DMI-PROHIBITED{of}"
    for of in (
        "",
        "-AIMLTRAINING",
        "-GENAIMLTRAINING",
        "-EXCEPTSEARCHENGINEINDEXING",
        "-SEECONSTRAINT",
        "-SEEEMBEDDEDRIGHTSEXPR",
        "-SEELINKEDRIGHTSEXPR",
    )
)
_NAMED = {
    Family.PLUS: (b"useplus.org", re.compile(rb":DataMining[\s=>/]")),
    Family.TDM_XMP: (b"ns/tdmrep", re.compile(rb":reservation[\s=>/]")),
}
"""Byte strings in a packet with a property of a family: its namespace and its name."""
_MENTIONED = re.compile(rb"DataMining|tdmrep")
MAX_ELEMENTS = 30_000
"""Of a packet: so many fill a megabyte, and empty ones would cost 0.2 s there."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")


def find_xmp_sign(packet: bytes, honoured: Honoured) -> str | None:
    """The property that reserves, as `plus: DMI-PROHIBITED` or `tdm:reservation: 1`."""
    is_wide = packet.startswith(_UTF16)
    if not is_wide and not _MENTIONED.search(packet):
        return None
    try:
        found = _read_properties(packet)
    except (expat.ExpatError, DocumentTypeError, ValueError):
        return _find_named(packet, honoured)
    signs = (_judge(family, value) for family, value in found if honoured.has(family))
    return next(filter(None, signs), None)


def _find_named(packet: bytes, honoured: Honoured) -> str | None:
    """A packet that names a property and cannot be read: refused."""
    for family, (namespace, name) in _NAMED.items():
        if honoured.has(family) and namespace in packet and name.search(packet):
            return f"{family.value}: unreadable packet"
    return None


def _judge(family: Family, value: str) -> str | None:
    if family is Family.TDM_XMP:
        return "tdm:reservation: 1" if value.strip() == "1" else None
    code = _VOCABULARY.fullmatch(value.strip())
    return f"plus: {code[1]}" if code and code[1] in _PROHIBITED else None


def _read_properties(packet: bytes) -> list[tuple[Family, str]]:
    """Family and value of each property of ours.

    Raises:
        ExpatError: the packet is not well-formed.
        ValueError: it is too long, or has too many elements.
        DocumentTypeError: it has a document type.
    """
    if len(packet) > MAX_PACKET:
        raise ValueError(f"more than {MAX_PACKET} bytes")
    reader = _Reader()
    try:
        parse_xml(packet, reader)
    except expat.ExpatError:
        if not reader.is_whole:
            raise
    return reader.found


class _Reader:
    """The properties of the described resource: attributes and elements of the nodes right below rdf:RDF."""

    def __init__(self) -> None:
        self.found: list[tuple[Family, str]] = []
        self.is_whole = False
        self._elements = 0
        self._path: list[str] = []
        self._property: Family | None = None
        self._property_depth = 0
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS} elements")
        self._path.append(name)
        if self._property is None and name in _FAMILIES and self._is_below_rdf(2):
            self._property, self._property_depth = _FAMILIES[name], len(self._path)
        if self._property is not None:
            self._text = []
            values = (attributes[value] for value in _VALUES if value in attributes)
            self.found.extend((self._property, value) for value in values)
        elif self._is_below_rdf(1):
            self.found.extend(_own_attributes(attributes))

    def end(self, _: str) -> None:
        if self._property is not None:
            is_whole = len(self._path) == self._property_depth
            if is_whole or self._path[-1] in _HOLDERS:
                self.found.append((self._property, "".join(self._text)))
            self._text = []
            if is_whole:
                self._property = None
        self._path.pop()
        self.is_whole = not self._path

    def take_text(self, text: str) -> None:
        if self._property is not None:
            self._text.append(text)

    def _is_below_rdf(self, levels: int) -> bool:
        """Whether this element is so many levels below rdf:RDF, or below the document without one."""
        path = self._path
        return len(path) == levels or (len(path) > levels and path[-levels - 1] == f"{_RDF} RDF")


def _own_attributes(attributes: dict[str, str]) -> Iterator[tuple[Family, str]]:
    return ((_FAMILIES[name], value) for name, value in attributes.items() if name in _FAMILIES)
