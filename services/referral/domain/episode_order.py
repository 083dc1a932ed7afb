"""Clinical order: which milestone cannot come before which, and which cannot come twice.

An entry that breaks the order is a slip of the clock or of the hand and is refused while the person who
knows better is still there. Nothing is required: an order is checked between entries that exist, so that
records may come late and incomplete. What can happen in either order is not in the table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from services.referral.domain import episode_texts as texts
from services.referral.domain.milestones import Milestone, MilestoneKind, first_of, in_clinical_order
from services.shared.kernel.refusals import FailedRule
from services.shared.kernel.text import BilingualText


class Reach(StrEnum):
    """Between which entries an order holds."""

    #: between the first of each, wherever they happened
    EPISODE = "EPISODE"
    #: between the first of each at one facility
    FACILITY = "FACILITY"
    #: within one visit to a facility: from its door in until another facility's door
    VISIT = "VISIT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Precedence:
    """`earlier` is never later than `later`; the same moment is fine."""

    earlier: MilestoneKind
    later: MilestoneKind
    reach: Reach
    reason: BilingualText


_WELL = BilingualText(zh="最后正常时间不晚于发病", en="the patient was last known well before falling ill")
_ILL = BilingualText(zh="先发病，后接触医疗人员", en="medical contact for an illness follows its onset")
_CONTACT = BilingualText(
    zh="先有首次医疗接触，后有检查与治疗", en="nothing is examined or treated before first contact"
)
_TREATED = BilingualText(zh="先发病，后治疗", en="treatment follows the onset")
_ECG = BilingualText(zh="心电图先完成，后传输、判读", en="an ECG is taken before it is sent or read")
_CT = BilingualText(zh="CT 先完成，后判读", en="a CT is done before it is read")
_TROPONIN = BilingualText(zh="先采血，后出肌钙蛋白结果", en="blood is drawn before its troponin is known")
_CALLED = BilingualText(zh="先启动导管室，后就绪", en="the cath-lab team is called before it is there")
_PCI = BilingualText(zh="先穿刺，后导丝通过", en="the wire crosses after the puncture")
_LAB = BilingualText(zh="患者入门后方可穿刺", en="the cath lab lies behind the door")
_DOOR = BilingualText(zh="先入门，后出门", en="a patient leaves after coming in")

_Kind = MilestoneKind


def _chain(
    reach: Reach, reason: BilingualText, earlier: tuple[MilestoneKind, ...], later: tuple[MilestoneKind, ...]
) -> tuple[Precedence, ...]:
    return tuple(
        Precedence(earlier=before, later=after, reach=reach, reason=reason)
        for before in earlier
        for after in later
    )


_ONSETS = (_Kind.LAST_KNOWN_WELL, _Kind.ONSET)

#: the partial order, each line with its reason
PRECEDENCES: tuple[Precedence, ...] = (
    *_chain(Reach.EPISODE, _WELL, (_Kind.LAST_KNOWN_WELL,), (_Kind.ONSET,)),
    *_chain(Reach.EPISODE, _ILL, _ONSETS, (_Kind.FIRST_MEDICAL_CONTACT,)),
    *_chain(
        Reach.EPISODE,
        _CONTACT,
        (_Kind.FIRST_MEDICAL_CONTACT,),
        (
            _Kind.ECG_DONE,
            _Kind.TROPONIN_SAMPLED,
            _Kind.TROPONIN,
            _Kind.CT_DONE,
            _Kind.STROKE_ASSESSED,
            _Kind.LAB_REPORTED,
            _Kind.THROMBOLYSIS,
            _Kind.PUNCTURE,
        ),
    ),
    *_chain(Reach.EPISODE, _TREATED, _ONSETS, (_Kind.THROMBOLYSIS, _Kind.PUNCTURE)),
    *_chain(Reach.FACILITY, _ECG, (_Kind.ECG_DONE,), (_Kind.ECG_SENT, _Kind.ECG_READ)),
    *_chain(Reach.FACILITY, _TROPONIN, (_Kind.TROPONIN_SAMPLED,), (_Kind.TROPONIN,)),
    *_chain(Reach.FACILITY, _CALLED, (_Kind.CATH_LAB_ACTIVATED,), (_Kind.CATH_LAB_READY,)),
    *_chain(Reach.FACILITY, _CT, (_Kind.CT_DONE,), (_Kind.CT_READ,)),
    *_chain(Reach.FACILITY, _PCI, (_Kind.PUNCTURE,), (_Kind.WIRE_CROSSING,)),
    *_chain(Reach.FACILITY, _LAB, (_Kind.DOOR_IN,), (_Kind.PUNCTURE,)),
    *_chain(Reach.VISIT, _DOOR, (_Kind.DOOR_IN,), (_Kind.DOOR_OUT,)),
)

#: facts about the patient rather than about a facility: there is one, whoever records it
ONCE_AN_EPISODE = frozenset({_Kind.ONSET, _Kind.LAST_KNOWN_WELL, _Kind.FIRST_MEDICAL_CONTACT})
DOORS = frozenset({_Kind.DOOR_IN, _Kind.DOOR_OUT})


def order_failures(others: Sequence[Milestone], candidate: Milestone) -> tuple[FailedRule, ...]:
    """Every rule that `candidate` would break beside `others`, each naming both milestones."""
    together = in_clinical_order((*others, candidate))
    failed = [
        _out_of_order(precedence, pair)
        for precedence in PRECEDENCES
        if candidate.kind in (precedence.earlier, precedence.later)
        and (pair := _broken(precedence, together, candidate.facility))
    ]
    if candidate.kind in DOORS:
        failed.extend(_door_failures(together))
    elif (twin := _twin(others, candidate)) is not None:
        failed.append(_repeated(twin, candidate))
    return tuple(failed)


def _broken(
    precedence: Precedence, together: Iterable[Milestone], facility: str
) -> tuple[Milestone, Milestone] | None:
    if precedence.reach is Reach.VISIT:
        return None
    pool = [m for m in together if precedence.reach is Reach.EPISODE or m.facility == facility]
    earlier = first_of(pool, precedence.earlier)
    later = first_of(pool, precedence.later)
    if earlier and later and earlier.true_time() > later.true_time():
        return earlier, later
    return None


def _door_failures(together: Iterable[Milestone]) -> list[FailedRule]:
    """Doors of one facility alternate until the patient passes another's: he may come back after that even
    when a door in between was never recorded."""
    doors = [milestone for milestone in together if milestone.kind in DOORS]
    failed = []
    for index, (before, after) in enumerate(pairwise(doors)):
        if before.facility != after.facility:
            continue
        if before.kind is after.kind:
            failed.append(_repeated(before, after))
        elif after.kind is _Kind.DOOR_IN and not _came_in_before(doors, index):
            failed.append(_out_of_order(_DOOR_PRECEDENCE, (after, before)))
    return failed


def _came_in_before(doors: Sequence[Milestone], index: int) -> bool:
    """Whether the door out at `index` ends a visit of which the door in is known."""
    return index > 0 and doors[index - 1].facility == doors[index].facility


def _twin(others: Iterable[Milestone], candidate: Milestone) -> Milestone | None:
    """An entry of the same kind that `candidate` repeats: anywhere for what is once an episode, else at the
    same facility without a new door in between."""
    peers = [m for m in others if m.kind is candidate.kind]
    if candidate.kind in ONCE_AN_EPISODE:
        return first_of(peers, candidate.kind)
    entries = [m.true_time() for m in others if m.kind is _Kind.DOOR_IN and m.facility == candidate.facility]
    for peer in peers:
        earlier, later = sorted((peer.true_time(), candidate.true_time()))
        came_back = any(earlier < entry <= later for entry in entries)
        if peer.facility == candidate.facility and not came_back:
            return peer
    return None


_DOOR_PRECEDENCE = next(precedence for precedence in PRECEDENCES if precedence.reach is Reach.VISIT)


def _out_of_order(precedence: Precedence, pair: tuple[Milestone, Milestone]) -> FailedRule:
    return FailedRule(code="CLINICAL_ORDER", text=texts.out_of_order(*pair, precedence.reason))


def _repeated(twin: Milestone, candidate: Milestone) -> FailedRule:
    return FailedRule(code="MILESTONE_REPEATED", text=texts.repeated(twin, candidate))
