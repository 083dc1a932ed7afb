"""What a test asks its starter to start, as it travels to it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

#: Of one order: the arguments and the environment of a process.
SIZE_MAX: Final = 1 << 17
#: Standard input, output and error.
FILES: Final = 3
#: What a starter says once it takes orders.
READY: Final = b"ready"


@dataclass(frozen=True, kw_only=True)
class Order:
    """A process to start. Its three standard files travel beside it."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    #: whose child it is
    parent_pid: int
    #: of a session of its own, as `start_new_session` makes it
    has_session: bool

    def packed(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def unpacked(data: bytes) -> Order:
    fields = json.loads(data)
    return Order(**{**fields, "command": tuple(fields["command"])})
