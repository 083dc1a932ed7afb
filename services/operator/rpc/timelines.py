"""Reads referrals' trails, a page at a time. The service keeps on record who read them."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message, rfc3339
from tierlink.referral.v1 import referral_service_pb2, timeline_pb2

#: Of the list that a period's referrals are taken from.
_LIST_PAGE = 200


async def read_timeline(
    caller: Caller, token: str, name: str, *, whole_episode: bool
) -> tuple[timeline_pb2.TimelineEntry, ...]:
    """Every event of a referral, or of all that belongs to its episode. Raises CallFailed."""
    method = rpc_methods()["GetTimeline"]
    entries: list[timeline_pb2.TimelineEntry] = []
    page_token = ""
    while True:
        asked = {"name": name, "whole_episode": whole_episode, "page_token": page_token}
        answer = await caller.call(method, build_message(method.request, asked), token)
        assert isinstance(answer.message, referral_service_pb2.GetTimelineResponse)
        entries.extend(answer.message.entries)
        page_token = answer.message.next_page_token
        if not page_token:
            return tuple(entries)


async def referrals_created(
    caller: Caller, token: str, since: datetime | None, until: datetime | None
) -> tuple[str, ...]:
    """The names of the referrals that were created in a period, as far as the caller may know of them.

    Raises CallFailed.
    """
    method = rpc_methods()["ListReferrals"]
    period: dict[str, Any] = {"page_size": _LIST_PAGE}
    if since is not None:
        period["created_from"] = rfc3339(since)
    if until is not None:
        period["created_before"] = rfc3339(until)
    names: list[str] = []
    page_token = ""
    while True:
        request = build_message(method.request, {**period, "page_token": page_token})
        answer = await caller.call(method, request, token)
        assert isinstance(answer.message, referral_service_pb2.ListReferralsResponse)
        names.extend(each.name for each in answer.message.referrals)
        page_token = answer.message.next_page_token
        if not page_token:
            return tuple(dict.fromkeys(names))


async def read_timelines(
    caller: Caller, token: str, names: Iterable[str], *, whole_episode: bool
) -> AsyncIterator[tuple[timeline_pb2.TimelineEntry, ...]]:
    """Every event of each of these referrals, or of its episode, one after the other. Raises CallFailed."""
    for name in names:
        # Also of an episode that was read before: who looked at which referral is on record by its name.
        yield await read_timeline(caller, token, name, whole_episode=whole_episode)
