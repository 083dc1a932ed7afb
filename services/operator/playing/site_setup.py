"""Puts a site in force: directory, wards, rosters. What is there already is never taken away."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from services.operator.casefile.model import Duty, Site, Ward
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.rpc.values import build_message

_TOLD_WITHIN_S = 60.0
_ASKED_EVERY_S = 0.2


class SiteTaken(Exception):
    """The platform has a site of its own that this one would change; the text says what."""


class SiteSetup:
    """Applies a site as the operator. Doing it again changes nothing."""

    def __init__(self, caller: Caller, tokens: TokenBook) -> None:
        self._caller = caller
        self._tokens = tokens

    async def apply(self, site: Site) -> None:
        """Applies directory, wards and rosters. Raises SiteTaken, CallFailed."""
        await self._directory(site)
        for facility, wards in site.directory.wards.items():
            await self._wards(facility, wards)
        for facility, duties in site.rosters.items():
            await self._roster(facility, duties)

    async def _directory(self, site: Site) -> None:
        fields = site.directory.fields()
        if not fields["facilities"]:
            return
        planned = await self._command("ApplyDirectory", {**fields, "dry_run": True})
        news = [*planned.added, *planned.changed]
        if not news:
            return  # what else is in the directory is no concern of this site
        if planned.removed or planned.changed:
            gone = [*planned.removed, *planned.changed]
            raise SiteTaken(f"the directory in force would lose or change {_some(gone)}")
        await self._command("ApplyDirectory", fields)

    async def _wards(self, facility: str, wards: tuple[Ward, ...]) -> None:
        fields = {"facility": facility, "wards": [ward.fields() for ward in wards]}
        planned = await self._command("ApplyWards", {**fields, "dry_run": True})
        if planned.removed:
            raise SiteTaken(f"{facility} would lose the beds {_some(list(planned.removed))}")
        if planned.added:
            await self._command("ApplyWards", fields)

    async def _roster(self, facility: str, duties: tuple[Duty, ...]) -> None:
        fields = {"facility": facility, "duties": [_duty(facility, duty) for duty in duties]}
        planned = await self._once_known("ApplyRoster", {**fields, "dry_run": True})
        if planned.added and planned.removed:
            raise SiteTaken(f"the roster of {facility} would lose {planned.removed} duties")
        if planned.added:
            # Of a directory that it knows nothing of it refuses nothing: the first entries may come between.
            await self._once_known("ApplyRoster", fields)

    async def _once_known(self, name: str, fields: dict[str, Any]) -> Any:
        """The notification service hears of a new facility from the directory's topic, a moment later."""
        deadline_s = time.monotonic() + _TOLD_WITHIN_S
        while True:
            try:
                return await self._command(name, fields)
            except CallFailed as failure:
                is_unknown = any(field == "facility" for field, _ in failure.violations)
                if not is_unknown or time.monotonic() > deadline_s:
                    raise
            await asyncio.sleep(_ASKED_EVERY_S)

    async def _command(self, name: str, fields: dict[str, Any]) -> Any:
        return await self._call(name, {**fields, "request_id": str(uuid4())})

    async def _call(self, name: str, fields: dict[str, Any]) -> Any:
        method = rpc_methods()[name]
        request = build_message(method.request, fields)
        return (await self._caller.call(method, request, self._tokens.token(OPERATOR))).message


def _duty(facility: str, duty: Duty) -> Mapping[str, Any]:
    return {
        "facility": facility,
        "role": duty.role,
        "step": duty.step,
        "user": duty.who.user,
        "name": duty.who.name,
        "channels": list(duty.channels),
    }


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
