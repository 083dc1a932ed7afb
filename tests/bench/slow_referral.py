"""The referral service after a change that makes each command dearer, and is wrong in nothing else."""

import hashlib
import runpy
from typing import Any

from services.shared.eventstore.runner import CommandRunner

#: About three milliseconds of the processor.
_ROUNDS = 12_000


def _slowed(run: Any) -> Any:
    async def slow(self: Any, *arguments: Any, **named: Any) -> Any:
        hashlib.pbkdf2_hmac("sha256", b"slow", b"slow", _ROUNDS)
        return await run(self, *arguments, **named)

    return slow


def main() -> None:
    """Runs the service's own program with commands that take longer."""
    setattr(CommandRunner, "run", _slowed(CommandRunner.run))  # noqa: B010 - a method is not to be assigned to
    runpy.run_module("services.referral", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
