"""Which processes a starter starts, and what it has imported for them."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

from services.embedded import guardian
from services.operator.platform import launch

#: As `python -m` names them.
SERVICES: Final = (
    "services.referral",
    "services.bed",
    "services.notification",
    "services.board",
    "services.bed.availability",
)
OPERATOR: Final = "services.operator"
#: Its commands that start services: as a person starts them, unless a test asks for them warm.
_PLATFORMS: Final = {"demo", "up", "bench", "bench-guard"}
#: What `bench` starts beside services.
_BENCH_WORKER: Final = "services.operator.bench.worker"
#: One that becomes another program.
_STARTED_COLD: Final = {"serve"}
#: `warm` in the environment of one of those commands has it and its services started so.
CHOICE: Final = "TIERLINK_TEST_STARTS"

#: What a service and the operator's program import.
IMPORTED: Final = (
    "services.referral.main",
    "services.bed.main",
    "services.bed.availability",
    "services.notification.main",
    "services.board.main",
    "services.operator.main",
    _BENCH_WORKER,
    *(
        f"services.operator.commands.{command}"
        for command in (
            "audit",
            "bench",
            "board",
            "demo",
            "directory",
            "dlq",
            "doctor",
            "drill",
            "events",
            "projection",
            "referral",
            "roster",
            "token",
            "up",
            "what_if",
        )
    ),
)

#: Variables that are read while a program runs. Any other may have been read when the starter's interpreter
#: started, or by something that it imported.
_READ_LATE: Final = ("TIERLINK_", "PYTEST_", "GRPC_VERBOSITY")
#: Those that a fork sees to.
_SEEN_TO: Final = ("PYTHONUNBUFFERED", "PYTHONWARNINGS")


def is_same_interpreter(environment: Mapping[str, str], starters: Mapping[str, str]) -> bool:
    """Whether Python would start alike with either environment, and import alike."""
    return _read_early(environment) == _read_early(starters)


def _read_early(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(_READ_LATE) and name not in _SEEN_TO
    }


def is_known(command: Sequence[str]) -> bool:
    """Whether a starter knows what that becomes."""
    match command:
        case [sys.executable, "-m", module, *arguments]:
            is_command = module == OPERATOR and not _STARTED_COLD & set(arguments[:1])
            return is_command or module in (*SERVICES, _BENCH_WORKER)
        case [sys.executable, "-I", "-S", script, *_]:
            return script == guardian.__file__
        case _:
            return False


def starts_services(command: Sequence[str]) -> bool:
    """Whether it is a command of the operator's program that starts a platform."""
    return tuple(command[1:3]) == ("-m", OPERATOR) and bool(_PLATFORMS & set(command[3:4]))


def launched_module(command: Sequence[str]) -> str | None:
    """The service that a guardian is to launch, or None if it guards something else."""
    match command:
        case [sys.executable, "-I", "-S", script, _, module] if script == launch.__file__:
            return module if module in SERVICES else None
        case _:
            return None
