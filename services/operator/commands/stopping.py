"""SIGTERM ends a command as Ctrl-C does: in order."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Cancels the current task at the first SIGTERM or SIGINT, so that what it opened is closed.

    A second one changes nothing: what is being closed is bounded in time.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None, "a command runs in a task"
    asked = False

    def stop() -> None:
        nonlocal asked
        if not asked:
            asked = True
            task.cancel()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
