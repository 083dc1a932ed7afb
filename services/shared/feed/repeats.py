"""Knows what stands in Kafka twice: a relay that dies between acknowledgement and delete repeats itself."""

from collections import OrderedDict

from services.shared.kafka.cloud_events import ConsumedEvent

#: Aggregates remembered; a repetition follows its original closely, so the latest are enough.
_REMEMBERED_MAX = 50_000


class Repeats:
    """The last version of each of the latest aggregates of one topic."""

    def __init__(self, *, remembered_max: int = _REMEMBERED_MAX) -> None:
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._remembered_max = remembered_max

    def is_new(self, event: ConsumedEvent) -> bool:
        """Whether no event of this version or a later one of its aggregate has come before; remembers it."""
        known = self._versions.get(event.key, 0)
        if event.version <= known:
            return False
        self._versions[event.key] = event.version
        self._versions.move_to_end(event.key)
        if len(self._versions) > self._remembered_max:
            self._versions.popitem(last=False)
        return True
