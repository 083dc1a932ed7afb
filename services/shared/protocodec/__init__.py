"""Maps frozen domain data classes to protobuf messages and back, by name.

The domain knows nothing of protobuf, and nobody writes the mapping field by field: a data class and a message
with the same field names are compiled once into two functions. A mismatch is found when a service starts.
"""

from services.shared.protocodec.codec import MessageCodec
from services.shared.protocodec.event_codec import EventCodec
from services.shared.protocodec.shapes import CodecMismatch

__all__ = ["CodecMismatch", "EventCodec", "MessageCodec"]
