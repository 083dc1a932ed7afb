"""Signs of life of boards, passed on: many screens of a facility or centre are one word to the service."""

import asyncio

from services.board.application.platform import Platform, PlatformRefused, Refusal, Viewer

#: Between two words about one place; less than between two of one page, so that none of those is lost.
_EVERY_S = 3.0
_KEPT_MAX = 10_000


class Presence:
    """Told by every page that shows alerts; tells the service what each place's pages come to."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        #: when the next word about a facility's centre is due, in the loop's time
        self._next_s: dict[tuple[str, str], float] = {}

    async def seen(self, viewer: Viewer, centre: str) -> None:
        """A page of this person's facility, hung for this centre or for none, shows alerts now.

        Raises PlatformRefused.
        """
        if not viewer.facility:
            return
        place = (viewer.facility, centre)
        now_s = asyncio.get_running_loop().time()
        before = self._next_s.get(place, 0.0)
        if before > now_s:
            return
        if len(self._next_s) > _KEPT_MAX:
            self._next_s.clear()
        # Before it is told, so that the other pages of the moment do not tell it as well.
        self._next_s[place] = now_s + _EVERY_S
        try:
            await self._platform.report_board(viewer.token, centre)
        except PlatformRefused as refused:
            # A colleague's page may be luckier.
            self._next_s[place] = before
            # The screen of somebody who is not the facility's staff is no board, and that is no fault.
            if refused.refusal is not Refusal.NOT_PERMITTED:
                raise
