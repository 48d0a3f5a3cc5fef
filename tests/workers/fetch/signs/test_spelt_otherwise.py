"""Signs as they are rarely written, and texts that look like them: labelled cases from the standards."""

import struct
import zlib
from typing import Any

import cbor2
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from common.signs import Honoured
from tests.workers.fetch.signs.images import (
    PLUS,
    VOCABULARY,
    assertion,
    box,
    c2pa_jpeg,
    chunk,
    itxt,
    manifest,
    mining,
    packet,
    png,
    store,
    superbox,
    webp,
    xmp_jpeg,
)
from workers.fetch.signs.image import find_image_sign
from workers.fetch.signs.response import find_header_sign

BROWSER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PROHIBITED = mining("DMI-PROHIBITED")

TAGS = {
    # agents whose names begin with digits, or hold colons, blanks and commas of their own
    "360Spider: noindex": None,
    "2GDPR: noai, noimageai": None,
    "meta-externalagent/1.1 (+https://x.test/bot): noai": None,
    f"{BROWSER}: noindex": None,
    "Googlebot-Image:noimageai": None,
    "googlebot : noai": None,
    "Seznam.cz: noimageindex": None,
    "AI2Bot-Dolma: noml": None,
    "caption-fleet/0.2 (+https://x.test/bot): noai": "noai",
    f"{BROWSER}: noindex, caption-fleet: noml": "noml",
    "360Spider: index, *: noimageindex": "noimageindex",
    "*:noai": "noai",
    # a colon behind a directive makes it no agent
    "nofollow: true, noai": "noai",
    "noimageindex:true": "noimageindex",
    "noindex : nofollow": "noindex",
    "noarchive:, noml": "noml",
    "googlebot: nofollow: x, noai": None,
    # dates
    "unavailable_after: 2010-06-25T15:00:00+00:00": None,
    "unavailable_after: Sat, 2010-06-25T15:00:00Z": None,
    "unavailable_after: Wed, 25 Jun 2010 15:00:00 GMT": None,
    "unavailable_after: Wed, 25 Jun 2010 15:00:00 GMT, noai": "noai",
    "unavailable_after: Sat, 2010-06-25T15:00:00Z, noindex": "noindex",
    "unavailable-after: 25-Jun-2010 15:00:00; noimageai": "noimageai",
    "unavailable_after: noai": None,
    # values
    "max-snippet: noai": None,
    "max-snippet:0, noai": "noai",
    "max-image-preview:none;noml": "noml",
    "max-video-preview: none": None,
    # words
    "noai.": None,
    "noai/1.0": None,
    "noneindex": None,
    "noaimageindex": None,
    "noimage": None,
    "no index": None,
    '"noai"': None,
    "noai=1": None,
    "none;": "none",
    "NOINDEX , NOFOLLOW": "noindex",
}


@pytest.mark.parametrize(("value", "rule"), TAGS.items())
def test_robots_tags(value: str, rule: str | None) -> None:
    headers = CIMultiDictProxy(CIMultiDict({"X-Robots-Tag": value}))
    assert find_header_sign(headers, Honoured()) == (rule and f"x-robots-tag: {rule}")


HEADERS = {
    ("Content-Usage", "train-ai=n\t,\tsearch=y"): "content-usage: train-ai=n",
    ("Content-Usage", 'a=1;b="x,y", train-ai=n'): "content-usage: train-ai=n",
    ("Content-Usage", "ai-use=n;a;b=c"): "content-usage: ai-use=n",
    ("Content-Usage", "train-ai=n/a"): None,
    ("Content-Usage", "train-ai=*n"): None,
    ("Content-Usage", "train_ai=n"): None,
    ("Content-Usage", "*train-ai=n"): None,
    ("Content-Usage", "train-ai=@1659578233"): None,
    ("Content-Usage", 'ai-use=%"n"'): None,
    ("Content-Usage", "train-ai=n, train-ai"): None,
    ("Content-Usage", "/a/ train-ai=n"): None,
    ("Content-Signal", "ai-train=no; search=yes"): "content-signal: ai-train=no",
    ("Content-Signal", "search=yes;ai-input=no"): "content-signal: ai-input=no",
    ("Content-Signal", "ai-train = no"): "content-signal: ai-train=no",
    ("Content-Signal", "use=Reference"): "content-signal: use=reference",
    ("Content-Signal", 'ai-train="no"'): None,
    ("Content-Signal", "ai-train:no"): None,
    ("Content-Signal", "ai-train=no ai-input=yes"): None,
    ("Content-Signal", "ai-train=nope"): None,
    ("TDM-Reservation", "1 , 0"): "tdm-reservation: 1",
    ("TDM-Reservation", "1;a"): None,
    ("TDM-Reservation", "one"): None,
    ("TDM-Reservation", "0x1"): None,
    ("TDM-Policy", "1"): None,
    ("X-TDM-Reservation", "1"): None,
    ("Robots-Tag", "noai"): None,
    ("X-Robots", "noai"): None,
}


@pytest.mark.parametrize(("header", "rule"), HEADERS.items())
def test_other_headers(header: tuple[str, str], rule: str | None) -> None:
    assert find_header_sign(CIMultiDictProxy(CIMultiDict([header])), Honoured()) == rule


def value(text: str) -> bytes:
    return packet("", attributes=f'plus:DataMining="{text}"')


def inside(text: str) -> bytes:
    return packet(f"<plus:DataMining>{text}</plus:DataMining>")


def raw_profile(body: bytes) -> bytes:
    """A packet as ImageMagick writes it."""
    return b"\nxmp\n%8d\n" % len(body) + body.hex(" ", 36).replace(" ", "\n").encode() + b"\n"


QUALIFIED = (
    "<plus:DataMining rdf:parseType='Resource'><rdf:value>{}</rdf:value>"
    "<q:note xmlns:q='http://example.com/q/'>{}</q:note></plus:DataMining>"
)
PACKETS = {
    "a slash at the end": (value(f"{VOCABULARY}DMI-PROHIBITED/"), True),
    "https": (value(VOCABULARY.replace("http:", "https:") + "DMI-PROHIBITED"), True),
    "the code alone": (value("DMI-PROHIBITED-AIMLTRAINING"), True),
    "in a bag": (inside(f"<rdf:Bag><rdf:li>{VOCABULARY}DMI-PROHIBITED</rdf:li></rdf:Bag>"), True),
    "second in a bag": (
        inside(f"<rdf:Bag><rdf:li>DMI-ALLOWED</rdf:li><rdf:li>{VOCABULARY}DMI-PROHIBITED</rdf:li></rdf:Bag>"),
        True,
    ),
    "with a language": (
        inside(f"<rdf:Alt><rdf:li xml:lang='x-default'>{VOCABULARY}DMI-PROHIBITED</rdf:li></rdf:Alt>"),
        True,
    ),
    "qualified": (packet(QUALIFIED.format(f"{VOCABULARY}DMI-PROHIBITED", "by us")), True),
    "as an attribute of the property": (
        packet(f"<plus:DataMining rdf:value='{VOCABULARY}DMI-PROHIBITED'/>"),
        True,
    ),
    "character data": (inside(f"<![CDATA[{VOCABULARY}DMI-PROHIBITED]]>"), True),
    "a default namespace": (
        packet(f"<DataMining xmlns='{PLUS}'>{VOCABULARY}DMI-PROHIBITED</DataMining>"),
        True,
    ),
    "another prefix for RDF": (PROHIBITED.replace(b"rdf:", b"r:").replace(b":rdf", b":r"), True),
    "an XML declaration": (b"<?xml version='1.0'?>" + PROHIBITED, True),
    "a byte order mark": (b"\xef\xbb\xbf" + PROHIBITED, True),
    "a qualifier that mentions it": (
        packet(QUALIFIED.format(f"{VOCABULARY}DMI-ALLOWED", "DMI-PROHIBITED")),
        False,
    ),
    "allowed, a slash at the end": (value(f"{VOCABULARY}DMI-ALLOWED/"), False),
    "a fragment": (value(f"{VOCABULARY}DMI-PROHIBITED#x"), False),
    "a blank inside": (value(f"{VOCABULARY} DMI-PROHIBITED"), False),
    "underscores": (value(f"{VOCABULARY}DMI_PROHIBITED"), False),
    "another host": (value("http://www.useplus.org/ldf/vocab/DMI-PROHIBITED"), False),
    "in words": (value("Prohibited for AI and machine learning training"), False),
    "other constraints": (packet("", attributes='plus:OtherConstraints="DMI-PROHIBITED"'), False),
    "a later namespace": (PROHIBITED.replace(b"xmp/1.0/", b"xmp/2.0/"), False),
    "a namespace without slash": (PROHIBITED.replace(b"xmp/1.0/", b"xmp/1.0"), False),
}


@pytest.mark.parametrize("name", PACKETS)
def test_packets(name: str) -> None:
    body, is_reserved = PACKETS[name]
    for image in (xmp_jpeg(body), png(itxt(body)), webp((b"XMP ", body))):
        assert (find_image_sign(image, Honoured()) is not None) is is_reserved


CHUNKS = {
    "ImageMagick's": (png(chunk(b"tEXt", b"Raw profile type xmp\0" + raw_profile(PROHIBITED))), True),
    "ImageMagick's, deflated": (
        png(chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(raw_profile(PROHIBITED)))),
        True,
    ),
    "of another profile": (png(chunk(b"tEXt", b"Raw profile type iptc\0" + raw_profile(PROHIBITED))), False),
    "no digits": (png(chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n 9\nxyz\n")), False),
    "a WebP chunk in small letters": (webp((b"xmp ", PROHIBITED)), False),
}


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks(name: str) -> None:
    body, is_reserved = CHUNKS[name]
    assert find_image_sign(body, Honoured()) == ("plus: DMI-PROHIBITED" if is_reserved else None)


def mines(entries: Any, label: str = "cawg.training-mining") -> bytes:
    return c2pa_jpeg(store(manifest(superbox(label, box(b"cbor", cbor2.dumps({"entries": entries}))))))


USE = {"use": "notAllowed"}
LONG = store(manifest(assertion({"cawg.ai_training": USE})))
INDEFINITE = b"\xbf\x67entries\xbf\x70c2pa.ai_training\xbf\x63use\x6anotAllowed\xff\xff\xff"
ASSERTIONS = {
    "c2pa's key under cawg's label": (mines({"c2pa.ai_training": USE}), True),
    "cawg's key under c2pa's label": (mines({"cawg.data_mining": USE}, "c2pa.training-mining"), True),
    "the second of a kind": (mines({"c2pa.ai_training": USE}, "c2pa.training-mining__2"), True),
    "constrained without terms": (mines({"cawg.ai_training": {"use": "constrained"}}), True),
    "behind an unknown entry": (mines({"acme.x": 1, "cawg.ai_inference": USE}), True),
    "indefinite lengths": (
        c2pa_jpeg(store(manifest(superbox("c2pa.training-mining", box(b"cbor", INDEFINITE))))),
        True,
    ),
    "a box with a long length": (
        png(chunk(b"caBX", struct.pack(">I4sQ", 1, b"jumb", len(LONG) + 8) + LONG[8:])),
        True,
    ),
    "a use that is no map": (mines({"cawg.ai_training": "notAllowed"}), False),
    "a list of uses": (mines({"cawg.ai_training": {"use": ["notAllowed"]}}), False),
    "in the words about constraints": (
        mines({"cawg.ai_training": {"use": "allowed", "constraint_info": "notAllowed"}}),
        False,
    ),
    "a key in capitals": (mines({"cawg.AI_TRAINING": USE}), False),
    "a longer key": (mines({"cawg.ai_training.x": USE}), False),
    "no use": (mines({"cawg.data_mining": {}}), False),
    "entries as a list": (mines([{"cawg.ai_training": USE}]), False),
    "a label of a later version": (mines({"cawg.ai_training": USE}, "cawg.training-mining.v9"), False),
}


@pytest.mark.parametrize("name", ASSERTIONS)
def test_assertions(name: str) -> None:
    body, is_reserved = ASSERTIONS[name]
    assert (find_image_sign(body, Honoured()) is not None) is is_reserved
