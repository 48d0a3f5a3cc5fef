"""Pages of a listing come out as botocore's own parser reads them."""

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from common.store.listing_page import parse_items

NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
TIME = "<LastModified>2026-01-02T03:04:05.678Z</LastModified>"
ITEM = f"<Contents><Key>%s</Key>{TIME}<ETag>&quot;1&quot;</ETag><Size>12</Size></Contents>"
KEYS = [
    "a",
    "a%20b",
    "a%2Bb",
    "a+b",
    "%C3%A9",
    "caf\u00e9",
    "a%26amp%3B",
    "&lt;&amp;&gt;",
    "x%0Ay",
    "",
    " a ",
]
ITEMS = "".join(ITEM % key for key in KEYS)
HEAD = "<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken>"
PAGES = {
    "plain": f"<ListBucketResult>{HEAD}{ITEMS}</ListBucketResult>",
    "namespace": f"<ListBucketResult{NAMESPACE}>{HEAD}{ITEMS}</ListBucketResult>",
    "encoded": f"<ListBucketResult><EncodingType>url</EncodingType>{HEAD}{ITEMS}</ListBucketResult>",
    "items first": f"<ListBucketResult>{ITEMS}{HEAD}</ListBucketResult>",
    "declared": f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>{ITEMS}{HEAD}</ListBucketResult>',
    "no items": f"<ListBucketResult>{HEAD}</ListBucketResult>",
    "no time": "<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>",
    "no size": "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
    "other time": ITEM.replace("2026-01-02T03:04:05.678Z", "Fri, 02 Jan 2026 03:04:05 GMT")
    .join(("<ListBucketResult>", "</ListBucketResult>"))
    .replace("%s", "a"),
}
SEEN = ("Key", "Size", "LastModified", "ETag")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_botocore_reads_it(name: str) -> None:
    ours, theirs = (_list(PAGES[name], is_ours=one) for one in (True, False))
    for page in (ours, theirs):
        page.pop("ResponseMetadata")
        page["Contents"] = [{key: item.get(key) for key in SEEN} for item in page.get("Contents", [])]
    assert ours == theirs


@pytest.mark.parametrize("body", ["<ListBucketResult><Contents>", "not XML", "\0"])
def test_a_damaged_page_is_left_to_botocore(body: str) -> None:
    answer, taken = {"body": body.encode()}, dict[str, Any]()
    parse_items(answer, taken)
    assert (answer["body"], taken) == (body.encode(), {})


def _list(body: str, *, is_ours: bool) -> dict[str, Any]:
    """What a client of boto3 makes of a page that never comes by a wire."""
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        endpoint_url="http://h",
    )
    if is_ours:
        client.meta.events.register("before-parse.s3.ListObjectsV2", parse_items)
    answer: Any = lambda **_: _Answer(body)  # noqa: E731 - types-boto knows no hook that answers
    client.meta.events.register("before-send.s3.ListObjectsV2", answer)
    return dict(client.list_objects_v2(Bucket="b"))


class _Answer(AWSResponse):
    """A whole response, 200."""

    def __init__(self, body: str) -> None:
        super().__init__("http://h/b", 200, HTTPHeaders(), None)
        self._content = body.encode()
