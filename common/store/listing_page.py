"""Pages of a listing, without botocore's general parser: it took most of a look at half a million shards."""

from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from botocore.utils import parse_timestamp

Item = dict[str, Any]


def parse_items(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Botocore's hook `before-parse.s3.ListObjectsV2`: take the items of a page out of its XML.

    The rest of the page, and a page that is not as the specification says, is botocore's to parse.
    """
    try:
        page = ET.fromstring(response_dict["body"])  # noqa: S314 - botocore's own parser, and its trust
        space = page.tag[: page.tag.find("}") + 1]
        items = [_parse_item(element, space) for element in page.iterfind(f"{space}Contents")]
    except (ET.ParseError, LookupError, TypeError, ValueError):
        return
    if items:
        rest = ET.Element(page.tag)
        rest.extend(element for element in page if element.tag != f"{space}Contents")
        response_dict["body"] = ET.tostring(rest)
        customized_response_dict["Contents"] = items


def parse_time(value: Any) -> datetime:
    """Half the time of a listing went into botocore's own parser of times."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)


def _parse_item(element: ET.Element, space: str) -> Item:
    """Key, size, time and ETag of one object, whose names are in a namespace, or in none ("")."""
    key, size = element.findtext(f"{space}Key"), element.findtext(f"{space}Size")
    modified, etag = element.findtext(f"{space}LastModified"), element.findtext(f"{space}ETag")
    if key is None or size is None:
        raise LookupError
    item: Item = {"Key": key, "Size": int(size)}
    if modified is not None:
        item["LastModified"] = parse_time(modified)
    if etag is not None:
        item["ETag"] = etag
    return item
