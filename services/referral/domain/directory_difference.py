"""What applying a directory changes: as the event records it, and entry by entry for people."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeAlias, TypeVar

from services.referral.domain.directory_commands import ApplyDirectory, DirectoryApplied
from services.referral.domain.directory_entries import (
    Alliance,
    FacilityIdentifier,
    GreenChannel,
    PoolingArea,
    RecognitionArea,
)
from services.referral.domain.directory_state import Community, Directory, Facility
from services.shared.kernel.text import BilingualText

Entry: TypeAlias = Community | Facility | Alliance | PoolingArea | RecognitionArea | GreenChannel
E = TypeVar("E", Community, Facility, Alliance, PoolingArea, RecognitionArea, GreenChannel)


class DirectoryEntryKind(StrEnum):
    """What an entry of the directory is."""

    COMMUNITY = "COMMUNITY"
    FACILITY = "FACILITY"
    ALLIANCE = "ALLIANCE"
    POOLING_AREA = "POOLING_AREA"
    RECOGNITION_AREA = "RECOGNITION_AREA"
    GREEN_CHANNEL = "GREEN_CHANNEL"


class DirectoryAction(StrEnum):
    """What becomes of an entry."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryFieldChange:
    """One field that is different."""

    #: its path, such as name.zh or travel_minutes[jimsar-general]
    field: str
    #: empty where it had, or will have, no value
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryChange:
    """One entry that is added, changed or removed."""

    kind: DirectoryEntryKind
    id: str
    action: DirectoryAction
    name: BilingualText | None
    #: of a changed entry
    fields: tuple[DirectoryFieldChange, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryDifference:
    """Kind by kind, communities and facilities first; the ids, and every change."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[DirectoryChange, ...] = ()


NO_DIFFERENCE = DirectoryDifference(added=(), changed=(), removed=())


def applied_difference(state: Directory | None, command: ApplyDirectory) -> DirectoryApplied:
    """The event that makes the directory what the command says; an empty one when it is that already."""
    before = state or Directory()
    return DirectoryApplied(
        communities=_news(before.communities, command.communities),
        facilities=_news(before.facilities, command.facilities),
        alliances=_news(before.alliances, command.alliances),
        pooling_areas=_news(before.pooling_areas, command.pooling_areas),
        recognition_areas=_news(before.recognition_areas, command.recognition_areas),
        green_channels=_news(before.green_channels, command.green_channels),
        removed_communities=_gone(before.communities, command.communities),
        removed_facilities=_gone(before.facilities, command.facilities),
        removed_alliances=_gone(before.alliances, command.alliances),
        removed_pooling_areas=_gone(before.pooling_areas, command.pooling_areas),
        removed_recognition_areas=_gone(before.recognition_areas, command.recognition_areas),
        removed_green_channels=_gone(before.green_channels, command.green_channels),
    )


def difference(state: Directory | None, command: ApplyDirectory) -> DirectoryDifference:
    """What applying would add, change and remove."""
    before, event = state or Directory(), applied_difference(state, command)
    kind = DirectoryEntryKind
    changes = (
        *_changes(kind.COMMUNITY, before.communities, event.communities, event.removed_communities),
        *_changes(kind.FACILITY, before.facilities, event.facilities, event.removed_facilities),
        *_changes(kind.ALLIANCE, before.alliances, event.alliances, event.removed_alliances),
        *_changes(kind.POOLING_AREA, before.pooling_areas, event.pooling_areas, event.removed_pooling_areas),
        *_changes(
            kind.RECOGNITION_AREA,
            before.recognition_areas,
            event.recognition_areas,
            event.removed_recognition_areas,
        ),
        *_changes(
            kind.GREEN_CHANNEL, before.green_channels, event.green_channels, event.removed_green_channels
        ),
    )

    def ids(action: DirectoryAction) -> tuple[str, ...]:
        return tuple([each.id for each in changes if each.action is action])

    return DirectoryDifference(
        added=ids(DirectoryAction.ADDED),
        changed=ids(DirectoryAction.CHANGED),
        removed=ids(DirectoryAction.REMOVED),
        changes=changes,
    )


def _news(before: Mapping[str, E], wanted: Iterable[E]) -> tuple[E, ...]:
    by_id = {each.id: each for each in wanted}
    return tuple([each for key, each in sorted(by_id.items()) if before.get(key) != each])


def _gone(before: Mapping[str, E], wanted: Iterable[E]) -> tuple[str, ...]:
    ids = {each.id for each in wanted}
    return tuple([key for key in before if key not in ids])


def _changes(
    kind: DirectoryEntryKind, before: Mapping[str, E], news: Iterable[E], removed: Iterable[str]
) -> Iterator[DirectoryChange]:
    for each in news:
        known = before.get(each.id)
        yield DirectoryChange(
            kind=kind,
            id=each.id,
            action=DirectoryAction.ADDED if known is None else DirectoryAction.CHANGED,
            name=each.name,
            fields=() if known is None else tuple(_field_changes(known, each)),
        )
    for key in removed:
        yield DirectoryChange(kind=kind, id=key, action=DirectoryAction.REMOVED, name=before[key].name)


def _field_changes(before: Entry, after: Entry) -> Iterator[DirectoryFieldChange]:
    old, new = dict(_values(before)), dict(_values(after))
    for path in dict.fromkeys((*old, *new)):
        if old.get(path, "") != new.get(path, ""):
            yield DirectoryFieldChange(field=path, before=old.get(path, ""), after=new.get(path, ""))


def _values(entry: Entry) -> Iterator[tuple[str, str]]:
    """Every value of an entry by its path, as text."""
    for field in fields(entry):
        value = getattr(entry, field.name)
        if isinstance(value, BilingualText):
            yield f"{field.name}.zh", value.zh
            yield f"{field.name}.en", value.en
        elif isinstance(value, dict):
            yield from ((f"{field.name}[{key}]", str(each)) for key, each in sorted(value.items()))
        elif isinstance(value, tuple):
            yield field.name, ", ".join(_text(each) for each in value)
        elif value is not None:
            yield field.name, str(value)


def _text(value: str | FacilityIdentifier) -> str:
    return f"{value.scheme} {value.value}" if isinstance(value, FacilityIdentifier) else value
