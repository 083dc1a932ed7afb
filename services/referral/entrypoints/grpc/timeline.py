"""GetTimeline and VerifyTimeline."""

from services.referral.application.known_directory import KnownDirectory
from services.referral.application.read_timeline import Mark, TimelineEvent
from services.referral.domain.directory_state import Directory, Facility
from services.referral.domain.timeline_labels import event_text
from services.shared.audit.verification import VerifiedAggregate
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.text import BilingualText
from services.shared.protocodec import MessageCodec
from services.shared.rpc.paging import bad_token, page_token, position_text
from tierlink.referral.v1 import timeline_pb2
from tierlink.type.v1 import type_pb2

_METADATA: MessageCodec[EventMetadata, type_pb2.EventMetadata] = MessageCodec(
    EventMetadata, type_pb2.EventMetadata
)
_TEXT: MessageCodec[BilingualText, type_pb2.BilingualText] = MessageCodec(
    BilingualText, type_pb2.BilingualText
)


def timeline_token(mark: Mark | None, bound_to: bytes) -> str:
    """The token to go on after an event; empty when there is no more."""
    return page_token(None if mark is None else f"{mark.aggregate} {mark.version}", bound_to=bound_to)


def timeline_mark(token: str, bound_to: bytes) -> Mark | None:
    """The event that a token goes on after. Raises InvalidInput for a token that is not of this trail."""
    text = position_text(token, bound_to=bound_to)
    if text is None:
        return None
    aggregate, _, version = text.partition(" ")
    if not version.isdecimal():
        raise bad_token()
    return Mark(aggregate=aggregate, version=int(version))


def timeline_entries(
    events: tuple[TimelineEvent, ...], known: KnownDirectory
) -> list[timeline_pb2.TimelineEntry]:
    """Entries in the order given, each with the place it happened at."""
    directory = known.current()
    return [_entry(event, directory) for event in events]


def _entry(event: TimelineEvent, directory: Directory) -> timeline_pb2.TimelineEntry:
    entry = timeline_pb2.TimelineEntry(
        aggregate_kind=event.kind,
        payload=event.stored.payload,
        previous_hash=event.stored.previous_hash,
        hash=event.stored.hash,
    )
    _METADATA.write(event.metadata, entry.metadata)
    _TEXT.write(event_text(event.event), entry.text)
    actor: Actor = event.metadata.actor
    entry.facility = actor.facility
    facility: Facility | None = directory.facility(actor.facility)
    if facility is not None:
        _TEXT.write(facility.name, entry.facility_name)
        entry.facility_level = type_pb2.FacilityLevel.Value(f"FACILITY_LEVEL_{facility.level.value}")
    return entry


def verification_findings(verified: VerifiedAggregate) -> list[timeline_pb2.ChainFinding]:
    """What is not as it was written."""
    return [
        timeline_pb2.ChainFinding(
            aggregate_id=finding.aggregate_id,
            version=finding.version,
            code=finding.code.value,
            description=finding.description,
        )
        for finding in verified.findings
    ]
