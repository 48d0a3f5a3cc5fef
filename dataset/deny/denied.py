"""A deny list over whole columns."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from common.deny.deny_list import DenyList
from common.deny.entry import Entry

HOST = r"^(?P<host>\[[^\]]*\]|[^/:]*)"


def denied_rows(deny_list: DenyList, urls: pa.Array, images: pa.Array | None) -> pa.Array:
    """[rows] bool without null; entries that match are added to `deny_list.matched`.

    Args:
        deny_list: of any size.
        urls: [rows] string, canonical forms; null where there is none.
        images: [rows] string, SHA-256 in hexadecimal digits; None where the data have no such column.
    """
    denied = pc.or_(_denied_values(deny_list, urls, deny_list.urls), _denied_hosts(deny_list, urls))
    if deny_list.patterns:
        denied = pc.or_(denied, _denied_patterns(deny_list, urls))
    if images is not None:
        denied = pc.or_(denied, _denied_values(deny_list, images, deny_list.images))
    return denied


def _denied_values(deny_list: DenyList, values: pa.Array, entries: dict[str, Entry]) -> pa.Array:
    found = pc.is_in(values, value_set=pa.array(list(entries), pa.string()))
    _note(deny_list, (entries[value] for value in pc.unique(values.filter(found)).to_pylist()))
    return found


def _denied_hosts(deny_list: DenyList, urls: pa.Array) -> pa.Array:
    if not deny_list.hosts:
        return pa.repeat(pa.scalar(value=False), len(urls))
    hosts = pc.struct_field(pc.extract_regex(urls, pattern=HOST), "host")
    entries = {host: deny_list.find_host(host) for host in pc.unique(hosts).to_pylist() if host}
    denied = {host: entry for host, entry in entries.items() if entry}
    _note(deny_list, denied.values())
    return pc.is_in(hosts, value_set=pa.array(list(denied), pa.string()))


def _denied_patterns(deny_list: DenyList, urls: pa.Array) -> pa.Array:
    found = pc.match_substring_regex(urls, f"^(?:{deny_list.any_pattern})$", ignore_case=True)
    found = pc.fill_null(found, fill_value=False)
    for url in pc.unique(urls.filter(found)).to_pylist():
        _note(deny_list, (entry for pattern, entry in deny_list.patterns if pattern.fullmatch(url)))
    return found


def _note(deny_list: DenyList, entries: Iterable[Entry]) -> None:
    deny_list.matched.update(entries)
