"""Reads the time targets: the product's defaults and, over them, a site's own file.

Both are YAML of the same shape (`services/referral/config/defaults.yaml`). A value without a source and a
confidence is refused: nobody could tell a norm from a guess.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from services.referral.adapters.consultation_choices import ConsultationChoices
from services.referral.domain.clocks_targets import (
    Aim,
    ClockTarget,
    ClockTargets,
    Confidence,
    CountsFor,
    ExclusionReason,
    ShareMeasure,
    SourcedLimit,
    SourcedShare,
)
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.milestones import ArrivalMode, MilestoneKind
from services.referral.domain.values import Pathway
from services.shared.kernel.text import BilingualText

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_Key = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{1,63}$")]
_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Code = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]{1,63}$")]
_Percent = Annotated[int, msgspec.Meta(gt=0, le=100)]
_Seconds = Annotated[int, msgspec.Meta(gt=0, le=366 * 86400)]


class CatalogueInvalid(ValueError):
    """A file of targets cannot be read as such. The message names the file and what is wrong in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetCatalogue:
    """What the site measures itself by."""

    clock_targets: tuple[ClockTarget, ...]
    limits: tuple[SourcedLimit, ...]
    shares: tuple[SourcedShare, ...]
    consultation_policy: ConsultationPolicy

    def targets(self) -> ClockTargets:
        """Those that are shown and counted."""
        return ClockTargets(clocks=self.clock_targets, limits=self.limits, shares=self.shares)


class _Text(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    zh: _Words
    en: _Words

    def value(self) -> BilingualText:
        return BilingualText(zh=self.zh, en=self.en)


class _Clock(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    key: _Key
    label: _Text
    pathway: Pathway
    start: Annotated[tuple[MilestoneKind, ...], msgspec.Meta(min_length=1)]
    stop: MilestoneKind
    target_s: _Seconds
    stretch_s: _Seconds | None = None
    source: str
    confidence: Confidence
    counts_for: CountsFor
    moot_after: tuple[MilestoneKind, ...] = ()
    only_with: tuple[MilestoneKind, ...] = ()
    selected_s: _Seconds | None = None
    after_arrival_s: Annotated[int, msgspec.Meta(ge=0, le=86400)] = 0
    aim: Aim | None = None
    share_at_least_percent: _Percent | None = None
    exclusions: tuple[str, ...] = ()


class _Share(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    key: _Key
    label: _Text
    pathway: Pathway
    at_least_percent: _Percent
    source: str
    confidence: Confidence
    measure: ShareMeasure | None = None
    arrived_by: ArrivalMode | None = None


class _Limit(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    key: _Key
    label: _Text
    limit_s: _Seconds
    emergency_s: _Seconds | None = None
    urgent_s: _Seconds | None = None
    source: str
    confidence: Confidence


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    sources: dict[str, _Text] = {}
    exclusions: dict[_Code, _Text] = {}
    shares: tuple[_Share, ...] = ()
    clocks: tuple[_Clock, ...] = ()
    limits: tuple[_Limit, ...] = ()
    consultation: ConsultationChoices = ConsultationChoices()


def load_catalogue(site_file: Path | None = None) -> TargetCatalogue:
    """The targets in force. Entries of `site_file` are added, or replace those of the same key and pathway.

    Raises CatalogueInvalid when a file is no catalogue or its entries do not fit together, OSError when it
    cannot be read.
    """
    defaults = files("services.referral") / "config" / "defaults.yaml"
    layers = [_read(str(defaults), defaults.read_bytes())]
    if site_file is not None:
        layers.append(_read(str(site_file), site_file.read_bytes()))
    sources: dict[str, BilingualText] = {}
    targets: dict[tuple[Pathway, str], ClockTarget] = {}
    limits: dict[str, SourcedLimit] = {}
    shares: dict[str, SourcedShare] = {}
    reasons: dict[str, ExclusionReason] = {}
    policy = ConsultationChoices()
    for layer in layers:
        sources |= {key: text.value() for key, text in layer.content.sources.items()}
        reasons |= {
            code: ExclusionReason(code=code, label=text.value())
            for code, text in layer.content.exclusions.items()
        }
        targets |= layer.unique(
            [((c.pathway, c.key), layer.clock_target(c, sources, reasons)) for c in layer.content.clocks]
        )
        shares |= layer.unique([(entry.key, layer.share(entry, sources)) for entry in layer.content.shares])
        limits |= layer.unique([(entry.key, layer.limit(entry, sources)) for entry in layer.content.limits])
        # Both are readings of the same table: a key says which.
        for share in shares.values():
            if (share.pathway, share.key) in targets:
                raise layer.invalid(f"{share.key}: a clock and a share of {share.pathway} have this key")
        policy = policy.overlaid(layer.content.consultation)
    return TargetCatalogue(
        clock_targets=tuple(targets.values()),
        limits=tuple(limits.values()),
        shares=tuple(shares.values()),
        consultation_policy=_consultation_policy(layers[-1], policy, limits),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    """One file, read."""

    origin: str
    content: _File

    def invalid(self, what: str) -> CatalogueInvalid:
        return CatalogueInvalid(f"{self.origin}: {what}")

    def unique(self, entries: list[tuple[K, V]]) -> dict[K, V]:
        found = dict(entries)
        if len(found) != len(entries):
            keys = [key for key, _ in entries]
            raise self.invalid(f"twice: {sorted({str(key) for key in keys if keys.count(key) > 1})}")
        return found

    def clock_target(
        self, entry: _Clock, sources: Mapping[str, BilingualText], reasons: Mapping[str, ExclusionReason]
    ) -> ClockTarget:
        unknown = [code for code in entry.exclusions if code not in reasons]
        if unknown:
            raise self.invalid(f"{entry.key}: unknown exclusions {unknown}")
        target = ClockTarget(
            key=entry.key,
            label=entry.label.value(),
            pathway=entry.pathway,
            start=entry.start,
            stop=entry.stop,
            target_s=entry.target_s,
            stretch_s=entry.stretch_s,
            source=self.source(entry.key, entry.source, sources),
            confidence=entry.confidence,
            counts_for=entry.counts_for,
            moot_after=entry.moot_after,
            only_with=entry.only_with,
            selected_s=entry.selected_s,
            aim=entry.aim,
            share_at_least_percent=entry.share_at_least_percent,
            exclusions=tuple(reasons[code] for code in entry.exclusions),
            after_arrival_s=entry.after_arrival_s,
        )
        if target.of_a_door() and target.start != (MilestoneKind.DOOR_IN,):
            raise self.invalid(f"{entry.key}: a clock of {entry.counts_for} starts with DOOR_IN")
        if target.stop in target.start:
            raise self.invalid(f"{entry.key}: starts and stops with {entry.stop}")
        if target.stretch_s is not None and target.stretch_s >= target.target_s:
            raise self.invalid(f"{entry.key}: stretch_s is not tighter than target_s")
        if target.selected_s is not None and target.selected_s <= target.target_s:
            raise self.invalid(f"{entry.key}: selected_s is not wider than target_s")
        if (target.aim is Aim.SHARE) != (target.share_at_least_percent is not None):
            raise self.invalid(f"{entry.key}: share_at_least_percent and the aim SHARE go together")
        return target

    def share(self, entry: _Share, sources: Mapping[str, BilingualText]) -> SourcedShare:
        if (entry.measure is None) != (entry.arrived_by is None):
            raise self.invalid(f"{entry.key}: measure and arrived_by go together")
        return SourcedShare(
            key=entry.key,
            label=entry.label.value(),
            pathway=entry.pathway,
            at_least_percent=entry.at_least_percent,
            source=self.source(entry.key, entry.source, sources),
            confidence=entry.confidence,
            measure=entry.measure,
            arrived_by=entry.arrived_by,
        )

    def limit(self, entry: _Limit, sources: Mapping[str, BilingualText]) -> SourcedLimit:
        return SourcedLimit(
            key=entry.key,
            label=entry.label.value(),
            limit_s=entry.limit_s,
            emergency_s=entry.emergency_s,
            urgent_s=entry.urgent_s,
            source=self.source(entry.key, entry.source, sources),
            confidence=entry.confidence,
        )

    def source(self, key: str, source: str, sources: Mapping[str, BilingualText]) -> BilingualText:
        if source not in sources:
            raise self.invalid(f"{key}: unknown source {source!r}")
        return sources[source]


def _read(origin: str, content: bytes) -> _Layer:
    try:
        return _Layer(origin=origin, content=msgspec.yaml.decode(content, type=_File))
    except msgspec.MsgspecError as error:
        raise CatalogueInvalid(f"{origin}: {error}") from error


def _consultation_policy(
    layer: _Layer, chosen: ConsultationChoices, limits: Mapping[str, SourcedLimit]
) -> ConsultationPolicy:
    try:
        return chosen.policy(limits)
    except ValueError as error:
        raise layer.invalid(f"consultation {error}") from error
