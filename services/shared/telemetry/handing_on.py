"""The trace context that the current task's calls of other processes hand on, for who only calls."""

from contextvars import ContextVar

_traceparent: ContextVar[str] = ContextVar("tierlink_traceparent", default="")


def hand_on(traceparent: str) -> None:
    """Makes this the context of the current task's calls, and of those of the tasks that it starts."""
    _traceparent.set(traceparent)


def handed_on() -> str:
    """The W3C trace context of the current task; empty where it has none."""
    return _traceparent.get()
