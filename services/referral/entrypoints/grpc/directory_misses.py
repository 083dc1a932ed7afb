"""What this process's directory lacks is looked for in the store's before the caller is told so."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from services.referral.domain.directory_state import Directory
from services.shared.kernel.refusals import InvalidInput, NotFound, NotPermitted, Refused
from services.shared.rpc.call import Call
from services.shared.rpc.method import Method, UnaryMethod

_LACKED_FIELDS = frozenset({"UNKNOWN_FACILITY", "UNKNOWN_GREEN_CHANNEL"})

_Handler = Callable[[Any, Call], Awaitable[Any]]


class FollowedDirectory(Protocol):
    """The directory that the methods decide on, which may be older than the store's."""

    def current(self) -> Directory: ...

    async def is_newer_than(self, version: int) -> bool:
        """Whether a newer one is in force, and at hand from now on. Raises Overloaded, DependencyDown."""
        ...


def looking_again(methods: Iterable[Method], directory: FollowedDirectory) -> tuple[Method, ...]:
    """The methods, which try what they refuse for want of an entry once more on a newer directory."""
    return tuple(
        replace(each, handler=_looking_again(each.handler, directory))
        if isinstance(each, UnaryMethod)
        else each
        for each in methods
    )


def _looking_again(handler: _Handler, directory: FollowedDirectory) -> _Handler:
    async def handle(request: Any, call: Call) -> Any:
        version = directory.current().version
        try:
            return await handler(request, call)
        except (InvalidInput, NotFound, NotPermitted) as refusal:
            if not is_miss(refusal) or not await directory.is_newer_than(version):
                raise
        # A refused request has left nothing behind.
        return await handler(request, call)

    return handle


def is_miss(refusal: Refused) -> bool:
    """Whether it says that the directory lacks something."""
    match refusal:
        case NotPermitted(reason=reason):
            return reason == "FACILITY_NOT_IN_DIRECTORY"
        case NotFound(resource_type=resource):
            return resource == "facility"
        case InvalidInput(violations=violations):
            return any(each.reason in _LACKED_FIELDS for each in violations)
    return False
