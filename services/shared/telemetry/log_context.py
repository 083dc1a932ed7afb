"""Fields that every log line of the current task carries.

One context variable holds them all. `structlog.contextvars` keeps one for each field, which costs a call ten
times as much; fields bound there are logged as well, for code that binds one seldom.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

_EMPTY: Mapping[str, str] = MappingProxyType({})

_fields: ContextVar[Mapping[str, str]] = ContextVar("tierlink_log_fields", default=_EMPTY)


def set_log_fields(fields: Mapping[str, str]) -> None:
    """Makes these the fields of the current task and of those it starts, in place of what they were.

    A task that serves one call, record or deadline sets them once and never has to take them back.
    """
    _fields.set(fields)


def log_fields() -> Mapping[str, str]:
    """The current task's fields."""
    return _fields.get()
