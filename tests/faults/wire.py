"""Which place of its work a process is at, read off the bytes that it exchanges with PostgreSQL and Kafka.

Nothing in the services knows of it: what is asked and what is answered says where somebody is.
"""

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """A place to die at."""

    #: the events are on their way, and PostgreSQL has none of them yet
    BEFORE_COMMIT = "BEFORE_COMMIT"
    #: PostgreSQL has committed the events, and nobody was told
    AFTER_COMMIT = "AFTER_COMMIT"
    #: records are on their way, and Kafka has none of them yet
    BEFORE_SEND = "BEFORE_SEND"
    #: Kafka has been handed the records
    AFTER_SEND = "AFTER_SEND"
    #: Kafka has said that it has them, and nobody was told
    BEFORE_ACKNOWLEDGEMENT = "BEFORE_ACKNOWLEDGEMENT"
    #: the relay was just told that Kafka has them
    AFTER_ACKNOWLEDGEMENT = "AFTER_ACKNOWLEDGEMENT"
    #: the relay is about to delete what was acknowledged
    BEFORE_DELETE = "BEFORE_DELETE"
    #: the outbox is deleted from, and the relay was not told
    AFTER_DELETE = "AFTER_DELETE"
    #: a reader is about to commit how far it has read
    BEFORE_OFFSETS = "BEFORE_OFFSETS"
    #: Kafka knows how far it has read, and the reader was not told
    AFTER_OFFSETS = "AFTER_OFFSETS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One message of a protocol, whole, and the places that it stands for."""

    data: bytes
    #: where the sender is if this goes no further
    before: Place | None = None
    #: where the sender is once this went on
    after: Place | None = None


class Wire(ABC):
    """One connection's protocol. Each side's bytes come in any pieces; whole messages come out."""

    @abstractmethod
    def asked(self, data: bytes) -> Iterator[Frame]:
        """What the process says to the server."""

    @abstractmethod
    def answered(self, data: bytes) -> Iterator[Frame]:
        """What the server says to the process."""


class PlainWire(Wire):
    """Any protocol: bytes go on as they come, and nobody knows what they mean."""

    def asked(self, data: bytes) -> Iterator[Frame]:
        yield Frame(data=data)

    def answered(self, data: bytes) -> Iterator[Frame]:
        yield Frame(data=data)


#: Texts by which a statement is known, and the places before and after it.
_STATEMENTS: tuple[tuple[bytes, Place, Place], ...] = (
    (b"INSERT INTO events", Place.BEFORE_COMMIT, Place.AFTER_COMMIT),
    (b"DELETE FROM outbox", Place.BEFORE_DELETE, Place.AFTER_DELETE),
)
_STARTUP, _TLS = 196608, 80877103


class PostgresWire(Wire):
    """PostgreSQL's protocol, version 3, as asyncpg speaks it: prepared statements, one at a time."""

    def __init__(self) -> None:
        self._from_process, self._from_server = bytearray(), bytearray()
        self._is_started = False
        self._single_bytes = 0
        self._statements: dict[bytes, tuple[Place, Place]] = {}
        self._under_way: Place | None = None
        self._is_complete = False

    def asked(self, data: bytes) -> Iterator[Frame]:
        buffer = self._from_process
        buffer += data
        while True:
            head = 1 if self._is_started else 0
            if len(buffer) < head + 4:
                return
            (length,) = struct.unpack_from(">i", buffer, head)
            if len(buffer) < head + length:
                return
            message = bytes(buffer[: head + length])
            del buffer[: head + length]
            yield self._asked(message)

    def _asked(self, message: bytes) -> Frame:
        if not self._is_started:
            (code,) = struct.unpack_from(">i", message, 4)
            self._is_started = code == _STARTUP
            # A question for TLS, or for GSS after it, is answered with a letter.
            self._single_bytes += code == _TLS
            return Frame(data=message)
        kind, body = message[:1], message[5:]
        if kind == b"P":
            name, _, rest = body.partition(b"\0")
            text = rest.partition(b"\0")[0]
            found = next(((b, a) for words, b, a in _STATEMENTS if words in text), None)
            self._statements.pop(name, None)
            if found is not None:
                self._statements[name] = found
        elif kind == b"B":
            places = self._statements.get(body.split(b"\0", 2)[1])
            if places is not None:
                self._under_way, self._is_complete = places[1], False
                return Frame(data=message, before=places[0])
        return Frame(data=message)

    def answered(self, data: bytes) -> Iterator[Frame]:
        buffer = self._from_server
        buffer += data
        while buffer:
            if self._single_bytes:
                self._single_bytes -= 1
                yield Frame(data=bytes(buffer[:1]))
                del buffer[:1]
                continue
            if len(buffer) < 5:
                return
            (length,) = struct.unpack_from(">i", buffer, 1)
            if len(buffer) < 1 + length:
                return
            message = bytes(buffer[: 1 + length])
            del buffer[: 1 + length]
            yield self._answered(message)

    def _answered(self, message: bytes) -> Frame:
        if message[:1] == b"C":
            self._is_complete = True
        # Only when it is ready for the next question is the last one committed.
        if message[:1] != b"Z" or self._under_way is None:
            return Frame(data=message)
        place, self._under_way = self._under_way, None
        return Frame(data=message, before=place if self._is_complete else None)


_PRODUCE, _OFFSET_COMMIT = 0, 8


class KafkaWire(Wire):
    """Kafka's protocol: requests with a number, answers with the same."""

    def __init__(self) -> None:
        self._from_process, self._from_server = bytearray(), bytearray()
        self._kinds: dict[int, int] = {}

    def asked(self, data: bytes) -> Iterator[Frame]:
        for message in _sized(self._from_process, data):
            kind, _, number = struct.unpack_from(">hhi", message, 4)
            if kind not in (_PRODUCE, _OFFSET_COMMIT):
                yield Frame(data=message)
                continue
            self._kinds[number] = kind
            if kind == _PRODUCE:
                yield Frame(data=message, before=Place.BEFORE_SEND, after=Place.AFTER_SEND)
            else:
                yield Frame(data=message, before=Place.BEFORE_OFFSETS)

    def answered(self, data: bytes) -> Iterator[Frame]:
        for message in _sized(self._from_server, data):
            (number,) = struct.unpack_from(">i", message, 4)
            kind = self._kinds.pop(number, None)
            if kind == _PRODUCE:
                yield Frame(
                    data=message, before=Place.BEFORE_ACKNOWLEDGEMENT, after=Place.AFTER_ACKNOWLEDGEMENT
                )
            elif kind == _OFFSET_COMMIT:
                yield Frame(data=message, before=Place.AFTER_OFFSETS)
            else:
                yield Frame(data=message)


def _sized(buffer: bytearray, data: bytes) -> Iterator[bytes]:
    buffer += data
    while len(buffer) >= 4:
        (length,) = struct.unpack_from(">i", buffer)
        if len(buffer) < 4 + length:
            return
        message = bytes(buffer[: 4 + length])
        del buffer[: 4 + length]
        yield message
