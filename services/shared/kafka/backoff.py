"""Delays between tries: doubling, bounded, and not the same in every process."""

import random


class Backoff:
    """The delays of one loop, seconds. `reset` after a success."""

    def __init__(self, *, first_s: float = 0.05, last_s: float = 2.0) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._next_s = first_s

    def next_s(self) -> float:
        """The next delay: between half of it and all of it, so that processes do not try in step."""
        delay_s, self._next_s = self._next_s, min(self._next_s * 2, self._last_s)
        return delay_s * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._next_s = self._first_s
