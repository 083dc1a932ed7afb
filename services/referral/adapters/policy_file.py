"""Reads what a site configures of referrals: the product's defaults and, over them, the site's own file.

Both are YAML of the same shape (`services/referral/config/policy.yaml`). A value without a source and a
confidence is refused, and every fault of a file is named with its line and column.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from services.referral.adapters.policy_values import KINDS, SCOPED, SCOPED_AT_WILL, STANDING, Kind
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.policy import ReferralPolicy, Terms
from services.referral.domain.standing_values import StandingPolicy
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.text import BilingualText
from services.shared.located.faults import FaultyFile
from services.shared.located.nodes import Node, parse_located, read_located
from services.shared.located.sections import Faults, Section, did_you_mean

_TERMS = frozenset(Terms.__dataclass_fields__)
_STANDING = frozenset(name for name in KINDS if name.startswith(STANDING))
_ENTRY = ("name", "urgency", "pathway", "value", "source", "confidence")


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyValue:
    """One value in force, and where it comes from."""

    name: str
    #: None is every urgency, and every pathway
    urgency: Urgency | None
    pathway: Pathway | None
    value: Any
    source: BilingualText
    confidence: Confidence


_Key = tuple[str, Urgency | None, Pathway | None]
_Values = dict[_Key, PolicyValue]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyFile:
    """The policy in force, with every value that it is made of."""

    policy: ReferralPolicy
    values: tuple[PolicyValue, ...]


def load_policy(site_file: Path | None = None) -> PolicyFile:
    """The policy in force. Entries of `site_file` are added, or replace those of the same name and scope.

    Raises FaultyFile, with every fault of the first file that has any.
    """
    defaults = files("services.referral") / "config" / "policy.yaml"
    path = Path(str(defaults))
    sources: dict[str, BilingualText] = {}
    values: _Values = {}
    _Layer(path, parse_located(defaults.read_bytes(), path), sources, values).read()
    if site_file is not None:
        _Layer(site_file, read_located(site_file), sources, values).read()
    return PolicyFile(policy=_policy(values), values=tuple(values.values()))


class _Layer:
    """One file, laid over those before it."""

    def __init__(self, path: Path, root: Node, sources: dict[str, BilingualText], values: _Values) -> None:
        self._path = path
        self._sources = sources
        self._values = values
        self._faults = Faults()
        self._root = Section(root, "the policy", self._faults, keys=("sources", "values"))
        #: where this file gives a value
        self._places: dict[_Key, Node] = {}

    def read(self) -> None:
        """Takes the file in. Raises FaultyFile."""
        node = self._root.child("sources", required=False)
        named = Section(node, "sources", self._faults, keys=tuple(node.entries)) if node else None
        for key in node.entries if node else ():
            if named is not None:
                self._sources[key] = named.bilingual(key)
        entries = self._root.child("values", required=False)
        if entries is not None and not isinstance(entries.value, tuple):
            self._root.fault("values", "values must be a list")
        for each in entries.items if entries else ():
            self._entry(each)
        if not self._faults.found:
            self._contradictions()
        if self._faults.found:
            raise FaultyFile(self._path, self._faults.found)

    def _entry(self, node: Node) -> None:
        section = Section(node, "a value", self._faults, keys=_ENTRY)
        name = section.text("name")
        kind = KINDS.get(name)
        if kind is None and section.has("name"):
            section.fault("name", f"there is no value {name}{did_you_mean(name, KINDS)}")
        urgency = section.choice("urgency", tuple(Urgency), default="")
        pathway = section.choice("pathway", tuple(Pathway), default="")
        source = section.text("source")
        if section.has("source") and source not in self._sources:
            section.fault(
                "source", f"source {source} is not among the sources{did_you_mean(source, self._sources)}"
            )
        confidence = section.choice("confidence", tuple(Confidence))
        value = section.child("value")
        if kind is None or value is None:
            return
        found = self._value(kind, section, value, bool(urgency), bool(pathway))
        if found is None or source not in self._sources or confidence not in tuple(Confidence):
            return
        key = (name, Urgency(urgency) if urgency in tuple(Urgency) else None, _pathway(pathway))
        if key in self._places:
            self._faults.at(node, f"{name} is given twice, first at line {self._places[key].line}")
        self._places.setdefault(key, node)
        self._values[key] = PolicyValue(
            name=name,
            urgency=key[1],
            pathway=key[2],
            value=found[0],
            source=self._sources[source],
            confidence=Confidence(confidence),
        )

    def _value(
        self, kind: Kind, section: Section, value: Node, has_urgency: bool, has_pathway: bool
    ) -> tuple[Any] | None:
        """The value, in a tuple; None when it is none of its kind."""
        scoped = kind.name in SCOPED
        if scoped and not (has_urgency or has_pathway):
            section.fault("name", f"{kind.name} needs an urgency or a pathway")
        if kind.name == "crew" and has_urgency and has_pathway:
            section.fault("pathway", "crew is given for an urgency or for a pathway: the higher one counts")
        at_will = kind.name in SCOPED_AT_WILL
        if kind.name == "record_completion_s" and not (has_urgency or has_pathway):
            section.fault("name", f"{kind.name} needs an urgency or a pathway")
        if has_urgency and not (scoped or at_will):
            section.fault("urgency", f"{kind.name} is the same for every urgency")
        if has_pathway and not (scoped or at_will or kind.by_pathway):
            section.fault("pathway", f"{kind.name} is the same for every pathway")
        found = kind.read(value.plain())
        if found is None:
            section.fault("value", f"{kind.name} must be {kind.words}")
        return found

    def _contradictions(self) -> None:
        """Limits that each can be and together cannot: they are told at an entry of this file."""
        for (name, urgency, pathway), node in self._places.items():
            if name not in ("acknowledge_s", "decide_s"):
                continue
            for each in (urgency,) if urgency is not None else tuple(Urgency):
                terms = _terms(self._values, each, pathway)
                if terms.acknowledge_s > terms.decide_s:
                    what = f"{each.value}{f', {pathway.value}' if pathway else ''}"
                    text = f"acknowledge_s is longer than decide_s ({what}): nobody would be waited for"
                    self._faults.at(node, text)
        self._standing_contradiction()

    def _standing_contradiction(self) -> None:
        """Visits are made anew while some are left; told at the last entry that says otherwise."""
        names = ("standing_top_up_days", "standing_horizon_days")
        top_up, horizon = (self._values[(name, None, None)].value for name in names)
        places = [self._places[(name, None, None)] for name in names if (name, None, None) in self._places]
        if top_up >= horizon and places:
            text = f"standing_top_up_days ({top_up}) is not less than standing_horizon_days ({horizon})"
            self._faults.at(places[-1], text)


def _pathway(name: str) -> Pathway | None:
    return Pathway(name) if name in tuple(Pathway) else None


def _terms(values: Mapping[_Key, PolicyValue], urgency: Urgency, pathway: Pathway | None) -> Terms:
    """The limits of one urgency and pathway: each the closest that is given."""

    def closest(name: str) -> Any:
        for key in ((name, urgency, pathway), (name, None, pathway), (name, urgency, None)):
            if key in values and (key[1] is not None or key[2] is not None):
                return values[key].value
        if name in SCOPED_AT_WILL:
            return None
        raise KeyError(f"{name} of {urgency}")

    return Terms(**{name: closest(name) for name in _TERMS})


def _policy(values: Mapping[_Key, PolicyValue]) -> ReferralPolicy:
    policy = ReferralPolicy(
        terms_by_urgency={each: _terms(values, each, None) for each in Urgency},
        terms_by_pathway=dict(_pathway_terms(values)),
        crew_by_urgency={
            key[1]: each.value for key, each in values.items() if key[0] == "crew" and key[1] is not None
        },
        crew_by_pathway={
            key[2]: each.value
            for key, each in values.items()
            if key[0] == "crew" and key[1] is None and key[2] is not None
        },
        red_flag_urgency_by_pathway={
            key[2]: each.value
            for key, each in values.items()
            if key[0] == "red_flag_urgency" and key[2] is not None
        },
    )
    alone = {
        key[0]: each.value for key, each in values.items() if key[0] not in SCOPED and key[1:] == (None, None)
    }
    standing = {name.removeprefix(STANDING): alone.pop(name) for name in list(alone) if name in _STANDING}
    # One clock for the whole site: an offset of its own could only be wrong.
    standing["utc_offset_minutes"] = alone["utc_offset_minutes"]
    return replace(policy, **alone, standing=StandingPolicy(**standing))


def _pathway_terms(
    values: Mapping[_Key, PolicyValue],
) -> Iterator[tuple[tuple[Pathway, Urgency], Terms]]:
    """Where a pathway has any limit of its own."""
    own = {key[1:] for key in values if key[0] in _TERMS and key[2] is not None}
    for pathway in Pathway:
        for urgency in Urgency:
            if (urgency, pathway) in own or (None, pathway) in own:
                yield (pathway, urgency), _terms(values, urgency, pathway)
