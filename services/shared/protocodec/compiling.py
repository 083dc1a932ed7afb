"""Functions made of source lines, as `dataclasses` makes `__init__`: a field costs what it would by hand.

A message is written field by field for every event and every answer. Closures, one for each field, took
three times as long.
"""

from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.shared.protocodec.shapes import CodecMismatch, Shape

TIMESTAMP = "google.protobuf.Timestamp"


class FunctionSource:
    """The lines of one function, and the objects that they name."""

    def __init__(self, head: str) -> None:
        self._lines = [head]
        self._names: dict[str, Any] = {}

    def bind(self, kind: str, thing: Any) -> str:
        """The name that `thing` has in the source."""
        name = f"{kind}_{len(self._names)}"
        self._names[name] = thing
        return name

    def add(self, *lines: str) -> None:
        """Adds lines of the function's body."""
        self._lines.extend(f"    {line}" for line in lines)

    def build(self, what: str) -> Any:
        """The function; tracebacks show `what` for its file."""
        name = self._lines[0].removeprefix("def ").partition("(")[0]
        code = compile("\n".join(self._lines), f"<{what}>", "exec")
        # The source has names of fields in it, which are identifiers, and nothing that anybody sent.
        exec(code, self._names)
        return self._names[name]


def mapped_fields(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> list[Field[Any]]:
    """The fields that go into the message. Raises CodecMismatch when it lacks one."""
    if not is_dataclass(dataclass_type):
        raise CodecMismatch(f"{dataclass_type.__name__} is not a data class")
    chosen = [field for field in fields(dataclass_type) if field.name not in internal]
    unknown = [field.name for field in chosen if field.name not in descriptor.fields_by_name]
    if unknown:
        raise CodecMismatch(f"{descriptor.full_name} has no fields {unknown} of {dataclass_type.__name__}")
    return chosen


@cache
def hints_of(dataclass_type: type) -> dict[str, Any]:
    """The annotations of a data class, resolved."""
    return get_type_hints(dataclass_type)


def is_time(target: FieldDescriptor) -> bool:
    """Whether the field is a Timestamp."""
    return target.message_type is not None and target.message_type.full_name == TIMESTAMP


def expect(holds: bool, target: FieldDescriptor, shape: Shape) -> None:
    """Raises CodecMismatch unless `holds`."""
    if not holds:
        raise CodecMismatch(f"{target.full_name} does not fit {shape.type.__name__}")
