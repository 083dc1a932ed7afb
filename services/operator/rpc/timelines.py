"""Reads a referral's trail, a page at a time. The service keeps on record who read it."""

from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from tierlink.referral.v1 import referral_service_pb2, timeline_pb2


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
