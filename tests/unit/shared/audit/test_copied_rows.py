"""Rows of COPY's binary form come out as they went in, however the network cuts them."""

from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.copied_rows import CopiedRows, CopyFormatError

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = pack(">h", -1)
ROWS = st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=3), st.binary(max_size=9)), max_size=8)


def _copied(rows: list[tuple[bytes, ...]]) -> bytes:
    written = [pack(">h", len(row)) + b"".join(pack(">i", len(each)) + each for each in row) for row in rows]
    return HEADER + b"".join(written) + TRAILER


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, data=st.data())
def test_rows_come_out_as_they_went_in_however_they_are_cut(
    rows: list[tuple[bytes, ...]], data: st.DataObject
) -> None:
    stream = _copied(rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    copied = CopiedRows(3)
    found = [
        tuple(row)
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for row in copied.rows(stream[begin:end])
    ]
    assert found == rows
    assert copied.is_complete


@given(rows=ROWS, data=st.data())
def test_what_is_cut_short_is_not_complete(rows: list[tuple[bytes, ...]], data: st.DataObject) -> None:
    stream = _copied(rows)
    copied = CopiedRows(3)
    found = list(copied.rows(stream[: data.draw(st.integers(0, len(stream) - 1))]))
    assert [tuple(row) for row in found] == rows[: len(found)]
    assert not copied.is_complete


@pytest.mark.parametrize(
    "stream",
    [
        b"PGCOPY\n\xff\r\r\0" + bytes(8) + TRAILER,
        HEADER + pack(">h", 2) + bytes(8) + TRAILER,
        HEADER + pack(">hiii", 3, 0, -1, 0) + TRAILER,
    ],
    ids=["no header", "another number of columns", "NULL"],
)
def test_what_is_not_of_that_form_is_refused(stream: bytes) -> None:
    with pytest.raises(CopyFormatError):
        list(CopiedRows(3).rows(stream))
