"""How a process that answers keeps Python's collector of cycles from making callers wait."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Young objects that are let gather before the collector looks for cycles among them. A call keeps hundreds
#: of objects while it lasts, and leaves six in a cycle, which is grpc's own: with Python's 700 it would look
#: with every second call, and with many more everybody would wait tens of milliseconds while it looks.
_YOUNG_OBJECTS_MAX = 10_000


def spare_what_stays() -> None:
    """To be called once, when all is made that lives as long as the process: it is not visited again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS_MAX)


@contextmanager
def uncollected() -> Iterator[None]:
    """For what a process imports when it starts, all of which stays: the collector does not look at it.

    Python looks through all that is there again and again while it grows, a sixth of the time of an import.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
