"""Who is reached by what beside the board: the one rule for planning, escalation and previews."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.notification.domain import texts
from services.notification.domain.values import STREAM_CHANNEL, Recipient, Severity
from services.shared.kernel.text import BilingualText

#: Every board and stream shows an alert at once; nothing is sent there.
BOARD_CHANNEL = "board"
BUILT_IN_CHANNELS = frozenset({STREAM_CHANNEL, BOARD_CHANNEL})


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelTraits:
    """What planning needs to know of a channel."""

    name: str
    #: severities that it is used for
    severities: frozenset[Severity]
    #: used for everybody who names no channels: a group's robot needs no address
    for_everybody: bool = False
    #: goes to a group: one message for all who are called, to nobody's own address
    is_shared: bool = False
    #: needs the person's own contact point
    needs_address: bool = False


class ReachHindrance(StrEnum):
    """Why a channel brings somebody nothing."""

    #: no board is live where the alert is shown
    NO_BOARD_LIVE = "NO_BOARD_LIVE"
    #: the roster names it, and the site has none of that name
    NO_SUCH_CHANNEL = "NO_SUCH_CHANNEL"
    #: the alert is about the channel's own silence
    CHANNEL_SILENT = "CHANNEL_SILENT"
    #: the site does not use it for alerts of this severity
    NOT_FOR_SEVERITY = "NOT_FOR_SEVERITY"
    #: the person has no address that it could use
    NO_CONTACT_POINT = "NO_CONTACT_POINT"
    #: the person's addresses cannot be read now
    CONTACT_POINTS_UNREADABLE = "CONTACT_POINTS_UNREADABLE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A channel by which somebody is to be called."""

    channel: str
    #: None where it brings a message to them
    hindrance: ReachHindrance | None


def ways(
    named: tuple[str, ...],
    *,
    channels: Mapping[str, ChannelTraits],
    own: Collection[str] | None,
    severity: Severity | None = None,
    silent: str = "",
) -> tuple[Way, ...]:
    """By what somebody is called, in order, for whom the roster names these channels.

    Without any named these are the channels of their own contact points (`own`; None where those cannot be
    read), and those that the site has for everybody. Without a severity it is not asked whether the channels
    are used for it. `silent` is the channel whose silence the alert is about.
    """
    if named:
        wanted: tuple[str, ...] = named
    else:
        everybodys = (name for name, traits in channels.items() if traits.for_everybody)
        wanted = (*(name for name in own or () if name in channels), *everybodys)
    return tuple(
        Way(channel=name, hindrance=_hindrance(name, channels.get(name), own, severity, silent))
        for name in dict.fromkeys(wanted)
        if name not in BUILT_IN_CHANNELS
    )


def is_reached(
    named: tuple[str, ...],
    *,
    channels: Mapping[str, ChannelTraits],
    own: Collection[str] | None,
    severity: Severity | None = None,
    silent: str = "",
) -> bool:
    """Whether a message comes to somebody for whom the roster names these channels."""
    found = ways(named, channels=channels, own=own, severity=severity, silent=silent)
    return any(way.hindrance is None for way in found)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelReach:
    """Whether one channel brings a call to a person."""

    channel: str
    reaches: bool
    #: None where it reaches them
    hindrance: ReachHindrance | None = None
    #: the hindrance in words
    text: BilingualText | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientReach:
    """By what one person of a step is reached."""

    #: from 0
    step: int
    user: str
    name: str
    is_reached: bool
    #: the board first
    channels: tuple[ChannelReach, ...]


def reach_of(
    recipient: Recipient, step: int, found: tuple[Way, ...], *, board_is_live: bool
) -> RecipientReach:
    """What a preview says of one person: the board, which shows every alert, and the ways beside it."""
    board = Way(channel=BOARD_CHANNEL, hindrance=None if board_is_live else ReachHindrance.NO_BOARD_LIVE)
    channels = tuple(
        ChannelReach(
            channel=way.channel,
            reaches=way.hindrance is None,
            hindrance=way.hindrance,
            text=None if way.hindrance is None else texts.HINDRANCES[way.hindrance.value],
        )
        for way in (board, *found)
    )
    return RecipientReach(
        step=step,
        user=recipient.user,
        name=recipient.name,
        is_reached=any(each.reaches for each in channels),
        channels=channels,
    )


def _hindrance(
    name: str,
    traits: ChannelTraits | None,
    own: Collection[str] | None,
    severity: Severity | None,
    silent: str,
) -> ReachHindrance | None:
    if traits is None:
        return ReachHindrance.NO_SUCH_CHANNEL
    if name == silent:
        return ReachHindrance.CHANNEL_SILENT
    if severity is not None and severity not in traits.severities:
        return ReachHindrance.NOT_FOR_SEVERITY
    if not traits.needs_address:
        return None
    if own is None:
        return ReachHindrance.CONTACT_POINTS_UNREADABLE
    return None if name in own else ReachHindrance.NO_CONTACT_POINT
