"""SIGTERM and SIGINT as events, so that a process stops in the order that its `main` decides."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class StopSignals:
    """What the operating system, or a test, asked for."""

    #: stop, and finish what is in progress
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    #: asked a second time: do not wait for what is in progress
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """What a signal does."""
        (self.hurry if self.stop.is_set() else self.stop).set()


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Catches both signals in the running event loop, until the block ends."""
    signals = StopSignals()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, signals.ask)
    try:
        yield signals
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
