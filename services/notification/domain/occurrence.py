"""Another service's event as the rules see it: plain values, no protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.values import Pathway, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """An event of a referral, a consultation or a ward.

    `fields` is the payload by field name: messages as mappings, repeated fields as lists, enum values by
    their name without prefix (`EMERGENCY`), times as aware datetimes; what is unset may be left out.
    `envelope` is what the event message has beside metadata and payload, likewise.
    """

    event_id: str
    #: such as `ReferralAccepted`
    event_type: str
    #: `referral`, `consultation`, `standing_order`, `ward` or `desk`
    aggregate_kind: str
    #: such as `referrals/{uuid}`
    aggregate_id: str
    version: int
    #: empty where the event does not say
    episode: str
    occurred_at: datetime
    recorded_at: datetime
    #: None where the event does not say
    pathway: Pathway | None
    urgency: Urgency | None
    fields: Mapping[str, object]
    envelope: Mapping[str, object]


def occurrence_of(
    *,
    event_id: str,
    event_type: str,
    aggregate_id: str,
    version: int,
    occurred_at: datetime,
    recorded_at: datetime,
    fields: Mapping[str, object],
    envelope: Mapping[str, object],
) -> Occurrence:
    """An occurrence whose kind follows from its aggregate's collection, and the rest from what it says.

    Raises ValueError when the pathway or the urgency is not one of the catalogue's.
    """
    episode, pathway, urgency = (
        text_at(envelope, name) or text_at(fields, name) for name in ("episode", "pathway", "urgency")
    )
    return Occurrence(
        event_id=event_id,
        event_type=event_type,
        aggregate_kind=aggregate_id.partition("/")[0].removesuffix("s"),
        aggregate_id=aggregate_id,
        version=version,
        episode=episode,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        pathway=Pathway(pathway) if pathway else None,
        urgency=Urgency(urgency) if urgency else None,
        fields=fields,
        envelope=envelope,
    )


def value_at(fields: Mapping[str, object], path: str) -> object:
    """What lies at a dotted path such as `report.critical_value`; None when nothing does."""
    found: object = fields
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def text_at(fields: Mapping[str, object], path: str) -> str:
    """The text at a path; empty when there is none."""
    found = value_at(fields, path)
    return found if isinstance(found, str) else ""


def moment_at(fields: Mapping[str, object], path: str) -> datetime | None:
    """The time at a path; None when there is none."""
    found = value_at(fields, path)
    return found if isinstance(found, datetime) else None


def elements_at(fields: Mapping[str, object], path: str) -> tuple[Mapping[str, object], ...]:
    """The messages of a repeated field at a path."""
    found = value_at(fields, path)
    if not isinstance(found, list | tuple):
        return ()
    return tuple(element for element in found if isinstance(element, Mapping))
