"""Contact points, with the names and fields of `contact_points.proto`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.notification.domain.clock_times import is_within
from services.notification.domain.values import Urgency


class ContactKind(StrEnum):
    """By which channel a person is reached. 企业微信, 钉钉, 飞书, 邮件, 短信, 电话…"""

    WECOM = "WECOM"
    DINGTALK = "DINGTALK"
    FEISHU = "FEISHU"
    MAIL = "MAIL"
    WEBHOOK = "WEBHOOK"
    SIGNED_WEBHOOK = "SIGNED_WEBHOOK"
    SMS = "SMS"
    VOICE = "VOICE"


#: Addresses of machines, which this service calls by itself.
MACHINES = frozenset({ContactKind.WEBHOOK, ContactKind.SIGNED_WEBHOOK})


class Language(StrEnum):
    """In which language a person is told."""

    ZH = "ZH"
    EN = "EN"


@dataclass(frozen=True, kw_only=True, slots=True)
class QuietHours:
    """A daily span in which a point is left alone, on the person's own clock."""

    #: `HH:MM`
    starts: str
    #: `HH:MM`; before `starts` when the span goes over midnight
    ends: str
    utc_offset_minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactPoint:
    """One way to reach a person. Neither `repr` nor `str` shows the address."""

    kind: ContactKind
    address: str = field(repr=False)
    #: None for the site's
    language: Language | None = None
    #: never for an emergency
    quiet_hours: QuietHours | None = None
    #: signs what is sent to a SIGNED_WEBHOOK or a robot; never shown again
    secret: str = field(default="", repr=False)


def reachable(
    points: Iterable[ContactPoint], *, urgency: Urgency | None, at: datetime
) -> tuple[ContactPoint, ...]:
    """The points to try now, in their order. An emergency, or an urgency not known, knows no quiet hours."""
    if urgency in (None, Urgency.EMERGENCY):
        return tuple(points)
    return tuple(point for point in points if not _is_quiet(point, at))


def _is_quiet(point: ContactPoint, at: datetime) -> bool:
    quiet = point.quiet_hours
    return quiet is not None and is_within(at, quiet.starts, quiet.ends, quiet.utc_offset_minutes)
