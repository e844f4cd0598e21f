from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zaffre.base.errors import InvalidRequest
from zaffre.core.manifest import Entry, check, make, parse, wrong_path
from zaffre.core.manifest_diff import diff

HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
PARTS = st.text(st.sampled_from("ab.é数\n -%"), min_size=1, max_size=4)
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join).filter(lambda path: wrong_path(path) is None)
ENTRIES = st.builds(Entry, PATHS, st.integers(0, 2**60), HASHES, st.booleans())


TREES = st.lists(ENTRIES, min_size=1, max_size=6, unique_by=lambda entry: entry.path.partition("/")[0])


@given(TREES)
def test_a_manifest_comes_back(entries: list[Entry]) -> None:
    manifest, form = make(entries)
    assert parse(form) == manifest
    assert make(reversed(entries))[0].root == manifest.root
    assert diff(manifest, manifest).same


@given(TREES, st.data())
def test_no_other_bytes_read_as_the_same_manifest(entries: list[Entry], data: st.DataObject) -> None:
    manifest, form = make(entries)
    at = data.draw(st.integers(0, len(form) - 1))
    other = form[:at] + bytes([form[at] ^ data.draw(st.integers(1, 255))]) + form[at + 1 :]
    try:
        read = parse(other)
    except InvalidRequest:
        return
    assert read.root != manifest.root
    assert read.entries != manifest.entries


@given(st.text())
def test_no_accepted_path_leads_out(path: str) -> None:
    if wrong_path(path) is None:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert "\\" not in path
        assert "\0" not in path


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"'\.\./x'.*; .*'b' has no BLAKE3"):
        make([Entry("../x", 1, "0" * 64), Entry("b", 1, "0")])
    with pytest.raises(InvalidRequest, match="out of order"):
        check([Entry("b", 1, "0" * 64), Entry("a", 1, "0" * 64)])
    for form in (b"", b"zaffre-tree 2\n", b"zaffre-tree 1\nx\0", b"zaffre-tree 1\n" + b"0" * 64 + b" - 01 a\0"):
        with pytest.raises(InvalidRequest):
            parse(form)


def test_diff() -> None:
    def entry(path: str, content: str, size: int = 1) -> Entry:
        return Entry(path, size, content * 64)

    before, _ = make([entry("a", "0"), entry("d/f", "1"), entry("d/g", "1"), entry("gone", "2"), entry("e", "3", 0)])
    after, _ = make([entry("a", "4", 5), entry("n/g", "1"), entry("n/h", "1"), entry("new", "5"), entry("e2", "3", 0)])
    found = diff(before, after)
    assert [item.path for item in found.added] == ["e2", "new"]
    assert [item.path for item in found.removed] == ["e", "gone"]
    assert [(item.before.size, item.after.size) for item in found.changed] == [(1, 5)]
    assert [(item.before.path, item.after.path) for item in found.renamed] == [("d/g", "n/g"), ("d/f", "n/h")]
    assert (found.bytes_before, found.bytes_after) == (4, 8)
