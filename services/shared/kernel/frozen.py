"""Frozen values made quickly: written as an open twin of the same slots, closed by taking their class.

The `__init__` of a frozen data class calls `object.__setattr__` for each field, and `dataclasses.replace`
asks for each besides: 5 µs and more for a state of 75 fields where this takes 1
(docs/adr/0067-frozen-values-are-written-open.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from services.shared.kernel.function_source import FunctionSource

__all__ = ["changed", "copier", "open_twin"]

T = TypeVar("T")


@cache
def open_twin(frozen_type: type) -> type | None:
    """A class with the slots of a frozen data class; its instances may be written until they take that class.

    None where that would pass something over: without slots of its own, or with a `__post_init__`.
    """
    its: Mapping[str, Any] = vars(frozen_type)
    if not is_dataclass(frozen_type) or "__slots__" not in its or hasattr(frozen_type, "__post_init__"):
        return None
    # A base that is a data class has an `__init__` and a refusal of its own.
    body = {
        "__slots__": its["__slots__"],
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
    }
    return type(frozen_type.__name__, frozen_type.__bases__, body)


def copier(frozen_type: type[T]) -> Callable[[T, Mapping[str, Any]], T]:
    """A function that copies a value but for some of its fields.

    It raises AttributeError for a name that is no field. Raises TypeError for a type that has no open twin.
    """
    kind: Any = frozen_type
    made: Callable[[T, Mapping[str, Any]], T] = _copier(kind)
    return made


if TYPE_CHECKING:
    # The checker knows which fields `replace` may be given, and of what types.
    from dataclasses import replace as changed
else:

    def changed(value, /, **changes):
        """`dataclasses.replace` for frozen values with slots. Raises as `copier` and its function do."""
        return _copier(type(value))(value, changes)


@cache
def _copier(frozen_type: Any) -> Any:
    twin = open_twin(frozen_type)
    if twin is None:
        raise TypeError(f"{frozen_type.__name__} has no slots of its own, or a __post_init__")
    source = FunctionSource("def copy(value, changes):")
    source.add(f"made = {source.bind('twin', twin)}()")
    source.add(*(f"made.{field.name} = value.{field.name}" for field in fields(frozen_type)))
    source.add(
        "for name, item in changes.items():",
        f"    {source.bind('write', setattr)}(made, name, item)",
        f"made.__class__ = {source.bind('closed', frozen_type)}",
        "return made",
    )
    return source.build(f"copier of {frozen_type.__name__}")
