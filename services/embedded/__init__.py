"""Real servers as child processes: Apache Kafka and PostgreSQL, for a machine that has neither.

Both come from package registries, keep their data in one folder, listen on 127.0.0.1 only, and end with the
process that started them, even when it is killed. Start at `EmbeddedStack` or `resolve_stack`.
"""

from services.embedded.errors import (
    ChecksumError,
    EmbeddedError,
    FolderInUseError,
    NotCachedError,
    PortTakenError,
)
from services.embedded.stack import EmbeddedStack, StackAddresses, resolve_stack

__all__ = [
    "ChecksumError",
    "EmbeddedError",
    "EmbeddedStack",
    "FolderInUseError",
    "NotCachedError",
    "PortTakenError",
    "StackAddresses",
    "resolve_stack",
]
