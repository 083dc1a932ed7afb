"""What operators decided of dead letters: an aggregate whose events stand in the audit trail.

There is one for each aggregate of another service, and one for each record that could not be read that far.
"""

from dataclasses import dataclass
from datetime import datetime

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import Deadline, Recorded
from services.shared.kernel.refusals import NotPermitted
from services.shared.kernel.text import BilingualText

#: The latest that a state keeps; the events keep all.
_DECISIONS_KEPT = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RedriveOrdered:
    """All open dead letters of one aggregate are to be handled again, in order."""

    topic: str
    aggregate: str
    letters: tuple[int, ...]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscardOrdered:
    """One record is given up: what waits behind it goes on as if it had had no effect."""

    topic: str
    aggregate: str
    letter: int
    partition: int
    offset: int
    #: 0 when the record could not be read that far
    version: int
    reason: str


DecisionEvent = RedriveOrdered | DiscardOrdered
EVENTS: tuple[type, ...] = (RedriveOrdered, DiscardOrdered)


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterDecision:
    """One decision."""

    #: REDRIVEN or DISCARDED
    verdict: str
    letters: tuple[int, ...]
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterFile:
    """The decisions on one aggregate's dead letters."""

    #: `deadletters/{topic}/{aggregate}`
    name: str
    version: int
    #: the latest last
    decisions: tuple[LetterDecision, ...]


def file_name(topic: str, aggregate: str | None, *, partition: int, offset: int) -> str:
    """The name of the file that a letter's decisions are kept in."""
    return f"deadletters/{topic}/{aggregate or f'{partition}-{offset}'}"


def check_actor(actor: Actor) -> None:
    """Raises NotPermitted for anybody but operators."""
    if not actor.has_role(Role.OPERATOR):
        text = BilingualText(zh="仅运维人员可处理死信", en="only operators deal with dead letters")
        raise NotPermitted("ROLE_NOT_PERMITTED", text)


def evolve(state: LetterFile | None, recorded: Recorded[DecisionEvent]) -> LetterFile:
    """The file after one more decision."""
    event, metadata = recorded.event, recorded.metadata
    is_redrive = isinstance(event, RedriveOrdered)
    decision = LetterDecision(
        verdict="REDRIVEN" if is_redrive else "DISCARDED",
        letters=event.letters if isinstance(event, RedriveOrdered) else (event.letter,),
        reason=event.reason,
        by=metadata.actor.user,
        at=metadata.recorded_at,
    )
    before = state.decisions if state is not None else ()
    return LetterFile(
        name=metadata.aggregate_id,
        version=metadata.version,
        decisions=(*before, decision)[-_DECISIONS_KEPT:],
    )


def deadlines(state: LetterFile) -> tuple[Deadline, ...]:
    """Nobody waits for a decision of an operator by the clock."""
    return ()


def facets(state: LetterFile) -> dict[str, str | bool | list[str]]:
    """Known to operators alone."""
    return {"parties": [], "live": False}
