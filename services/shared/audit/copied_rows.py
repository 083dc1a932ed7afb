"""Takes apart what PostgreSQL's COPY sends in its binary form, as it comes.

COPY costs the reader of a large result a third of what rows of a query cost: nothing is decoded that is only
hashed. The form: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from collections.abc import Iterator
from struct import Struct

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
#: Signature, flags, and the length of an extension, which is empty.
_HEADER_SIZE_BYTES = len(_SIGNATURE) + 8
_COUNT = Struct(">h").unpack_from
_COUNT_SIZE_BYTES = 2
_LENGTH = Struct(">i").unpack_from
_LENGTH_SIZE_BYTES = 4
_TRAILER = -1


class CopyFormatError(Exception):
    """What came is not what COPY sends."""


class CopiedRows:
    """The rows of one COPY of `columns` columns, none of them NULL."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rest = b""
        self._is_begun = False
        self.is_complete = False

    def rows(self, data: bytes) -> Iterator[list[bytes]]:
        """The rows that are whole with this piece, each a list of its columns' bytes.

        Raises CopyFormatError.
        """
        data = self._rest + data if self._rest else data
        at, size = self._begin(data), len(data)
        # What comes in pieces is a bytearray, which would be copied twice.
        view = memoryview(data)
        while at + _COUNT_SIZE_BYTES <= size:
            (count,) = _COUNT(data, at)
            if count == _TRAILER:
                self.is_complete = True
                at += _COUNT_SIZE_BYTES
                break
            if count != self._columns:
                raise CopyFormatError(f"{count} columns, not {self._columns}")
            row: list[bytes] = []
            # In this function: a call for each of a million rows would be felt.
            end = at + _COUNT_SIZE_BYTES
            for _ in range(count):
                begin = end + _LENGTH_SIZE_BYTES
                if begin > size:
                    break
                (length,) = _LENGTH(data, end)
                if length < 0:
                    raise CopyFormatError("a column is NULL")
                end = begin + length
                row.append(bytes(view[begin:end]))
            if len(row) < count or end > size:
                break
            at = end
            yield row
        self._rest = bytes(view[at:]) if self._is_begun else bytes(view)

    def _begin(self, data: bytes) -> int:
        """Where the rows begin; beyond the end while the header is not whole."""
        if self._is_begun:
            return 0
        if len(data) < _HEADER_SIZE_BYTES:
            return len(data)
        if not data.startswith(_SIGNATURE):
            raise CopyFormatError("no header")
        self._is_begun = True
        return _HEADER_SIZE_BYTES
