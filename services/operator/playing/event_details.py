"""What an event says beyond its kind, read from its stored bytes."""

from google.protobuf.message import DecodeError

from services.operator.rpc.paths import read_path
from services.operator.texts import text
from services.shared.kernel.text import BilingualText
from tierlink.referral.v1 import episode_events_pb2, timeline_pb2

_NOTHING = BilingualText(zh="", en="")


def event_detail(entry: timeline_pb2.TimelineEntry) -> BilingualText:
    """Which milestone, or what joined the episode; empty for events that say it by their kind."""
    if entry.aggregate_kind != "episode":
        return _NOTHING
    try:
        event = episode_events_pb2.EpisodeEvent.FromString(entry.payload)
    except DecodeError:
        return _NOTHING  # the verification tells of it
    match event.WhichOneof("payload"):
        case "milestone_recorded":
            return text(f"milestone.{read_path(event, 'milestone_recorded.milestone.kind')}")
        case "milestone_corrected":
            return text(f"milestone.{read_path(event, 'milestone_corrected.milestone.kind')}")
        case "episode_joined":
            return text(f"joined.{event.episode_joined.member.partition('/')[0]}")
        case _:
            return _NOTHING
