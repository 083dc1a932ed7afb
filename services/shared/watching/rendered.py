"""Changes as messages, put together once for all streams that show the same."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from services.shared.watching.resource_stream import Change

#: All streams come to a change at nearly the same moment.
_KEPT_MAX = 200


class Resource(Protocol):
    """A state with a name and a version."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=Resource)
M = TypeVar("M")


class Rendered(Generic[S, M]):
    """The messages of changes. `render` must give the same for whoever watches."""

    def __init__(self, render: Callable[[Change[S]], M]) -> None:
        self._render = render
        self._kept: OrderedDict[tuple[str, int, str, str], M] = OrderedDict()

    def of(self, change: Change[S]) -> M:
        """To be read only: others are sent it as well."""
        if change.state is None or not change.event_type:
            # Signs of life are cheap, and a first picture is one stream's.
            return self._render(change)
        key = (change.state.name, change.state.version, change.event_type, change.resume_token)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._render(change)
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return found
