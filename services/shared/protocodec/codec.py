"""One data class, one message type, two compiled functions."""

from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from services.shared.protocodec.reading import compile_reader
from services.shared.protocodec.writing import compile_writer

D = TypeVar("D")
M = TypeVar("M", bound=Message)


class MessageCodec(Generic[D, M]):
    """Converts `dataclass_type` to `message_type` and back.

    Every field of the data class must have a field of that name in the message, unless it is in
    `internal`; fields of the message that the data class lacks are left alone.
    Raises CodecMismatch when the two do not fit.
    """

    def __init__(
        self, dataclass_type: type[D], message_type: type[M], *, internal: frozenset[str] = frozenset()
    ) -> None:
        self._message_type = message_type
        descriptor: Any = message_type.DESCRIPTOR
        source: Any = dataclass_type
        #: writes a value into a message, which may already be part of another
        self.write = compile_writer(source, descriptor, internal)
        self._read = compile_reader(source, descriptor, internal)

    def to_message(self, value: D) -> M:
        message = self._message_type()
        self.write(value, message)
        return message

    def from_message(self, message: M) -> D:
        """Raises ValueError when the message lacks what the data class cannot do without."""
        result: D = self._read(message)
        return result
