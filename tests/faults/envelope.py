"""The metadata of a stored event, whichever kind of event it is: the first field of all of them."""

from tierlink.type.v1 import type_pb2

_FIRST_FIELD = 0x0A


def metadata_of(payload: bytes) -> type_pb2.EventMetadata:
    """Raises ValueError where the payload does not begin with it."""
    if not payload or payload[0] != _FIRST_FIELD:
        raise ValueError("an event begins with its metadata")
    length, shift, position = 0, 0, 1
    while True:
        byte = payload[position]
        position += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return type_pb2.EventMetadata.FromString(payload[position : position + length])
