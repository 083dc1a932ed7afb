"""The door times of destinations, asked of the referral service and kept for a while.

Two people may be shown different figures: what is kept is kept for those who may see the same.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from services.board.application.platform import Platform, PlatformRefused, Viewer
from services.board.domain.door_time import DoorMedian

_KEPT_S = 600.0
#: After a refusal or an outage the setting serves; asked again soon.
_KEPT_AFTER_REFUSAL_S = 30.0
_KEPT_MAX = 2_000

_NONE: Mapping[str, DoorMedian] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    medians: Mapping[str, DoorMedian]
    until_s: float


class DoorTimes:
    """Never raises for what cannot be read: a budget with the site's setting is better than none."""

    def __init__(self, platform: Platform, *, fallback_minutes: int) -> None:
        self._platform = platform
        self.fallback_minutes = fallback_minutes
        self._kept: OrderedDict[tuple[object, str], _Kept] = OrderedDict()

    async def medians(self, viewer: Viewer, facility: str) -> Mapping[str, DoorMedian]:
        """By the key of the clock of the facility's door; empty where nothing is known."""
        if not facility:
            return _NONE
        now_s = asyncio.get_running_loop().time()
        key = (viewer.person, facility)
        kept = self._kept.get(key)
        if kept is not None and kept.until_s > now_s:
            return kept.medians
        try:
            found, kept_s = await self._platform.door_medians(viewer.token, facility), _KEPT_S
        except PlatformRefused:
            found, kept_s = _NONE, _KEPT_AFTER_REFUSAL_S
        self._kept[key] = _Kept(medians=found, until_s=now_s + kept_s)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return found
