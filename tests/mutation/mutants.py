"""Every way in which a row of the referral's state table can be wrong by one change.

A change that means the same is no mutant; `_same_party` and `_means_the_same` say which, and why.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.referral.domain.events import EVENTS
from services.referral.domain.parties import By, Party
from services.referral.domain.referral_state import TERMINAL
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Outcome, Row
from services.shared.kernel.actor import Role

Table = tuple[Row, ...]

#: Parties that are a role: asking for another role besides lets nobody in.
_ROLE_PARTIES = frozenset({Party.AMBULANCE, Party.COORDINATOR, Party.SYSTEM})
_UNACCEPTED = frozenset({None, S.AWAITING_APPROVAL, S.REQUESTED, S.INFO_REQUESTED, S.DECLINED})
_ARRIVED = frozenset({S.ARRIVED, S.IN_TREATMENT, S.TREATED})
_UNARRIVED = frozenset({None, *S}) - _ARRIVED - TERMINAL


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """The table with one change."""

    #: index of the row
    number: int
    #: class name of the row's command
    command: str
    change: str
    table: Table

    def __str__(self) -> str:
        return f"row {self.number + 1} {self.command}: {self.change}"


def mutants(table: Table) -> Iterator[Mutant]:
    """All of them, row by row."""
    for number, row in enumerate(table):
        rest = table[:number], table[number + 1 :]
        name = row.command.__name__
        yield Mutant(number=number, command=name, change="dropped", table=(*rest[0], *rest[1]))
        for change, changed in _changes(row):
            yield Mutant(number=number, command=name, change=change, table=(*rest[0], changed, *rest[1]))


def _changes(row: Row) -> Iterator[tuple[str, Row]]:
    yield from _sources(row)
    yield from _targets(row)
    yield from _events(row)
    yield from _conditions(row)
    yield from _parties(row)
    for guard in row.guards:
        guards = tuple([each for each in row.guards if each is not guard])
        yield f"without the guard {guard.code}", replace(row, guards=guards)
    if row.norms:
        yield "without the norms", replace(row, norms=False)
    if row.down_only:
        yield "not of a DOWN referral alone", replace(row, down_only=False)
    elif None not in row.sources:
        yield "of a DOWN referral alone", replace(row, down_only=True)


def _sources(row: Row) -> Iterator[tuple[str, Row]]:
    if len(row.sources) > 1:
        for source in row.sources:
            left = tuple([each for each in row.sources if each is not source])
            yield f"no longer from {source}", replace(row, sources=left)
    for source in (None, *S):
        # Where nothing is, nothing can stay as it is.
        nowhere = source is None and all(outcome.to is None for outcome in row.outcomes)
        if source not in row.sources and not nowhere:
            yield f"also from {source}", replace(row, sources=(*row.sources, source))


def _targets(row: Row) -> Iterator[tuple[str, Row]]:
    for place, outcome in enumerate(row.outcomes):
        for target in (None, *S):
            if not _means_the_same(row, outcome.to, target):
                change = f"{outcome.event.__name__} to {target} instead of {outcome.to}"
                yield change, _with(row, place, replace(outcome, to=target))


def _means_the_same(row: Row, target: S | None, other: S | None) -> bool:
    """Staying is going to where it was."""
    return all((target or source) is (other or source) for source in row.sources)


def _events(row: Row) -> Iterator[tuple[str, Row]]:
    for place, outcome in enumerate(row.outcomes):
        for event in EVENTS:
            if all(event is not each.event for each in row.outcomes):
                change = f"{event.__name__} instead of {outcome.event.__name__}"
                yield change, _with(row, place, replace(outcome, event=event))


def _conditions(row: Row) -> Iterator[tuple[str, Row]]:
    for place, outcome in enumerate(row.outcomes):
        if outcome.when is None:
            continue
        name = outcome.when.label.en
        yield f"whether or not {name}", _with(row, place, replace(outcome, when=None))
        without = tuple([each for each in row.outcomes if each is not outcome])
        if without:
            yield f"never because {name}", replace(row, outcomes=without)
        holds = outcome.when.holds
        turned = replace(outcome.when, holds=lambda state, event, holds=holds: not holds(state, event))
        yield f"unless {name}", _with(row, place, replace(outcome, when=turned))


def _parties(row: Row) -> Iterator[tuple[str, Row]]:
    for place, by in enumerate(row.by):
        if len(row.by) > 1:
            left = tuple([each for each in row.by if each is not by])
            yield f"not by {by.party}", replace(row, by=left)
        for role in Role:
            if role in by.roles or by.party in _ROLE_PARTIES or _let_in_anyway(row, by, role):
                continue
            looser = replace(by, roles=(*by.roles, role))
            yield f"by {by.party} also as {role}", replace(row, by=_swapped(row.by, place, looser))
        if len(by.roles) > 1:
            for role in by.roles:
                stricter = replace(by, roles=tuple([each for each in by.roles if each is not role]))
                yield f"by {by.party} not as {role}", replace(row, by=_swapped(row.by, place, stricter))
    roles = tuple(dict.fromkeys(role for by in row.by for role in by.roles))
    for party in Party:
        if not _same_party(row, By(party=party, roles=roles)):
            added = By(party=party, roles=tuple(Role))
            yield f"also by {party}", replace(row, by=(*row.by, added))


def _let_in_anyway(row: Row, by: By, role: Role) -> bool:
    """An ambulance service or a coordinator of the origin is its own facility's too."""
    parties = {each.party for each in row.by}
    return by.party is Party.ORIGIN and (
        (role is Role.AMBULANCE and Party.AMBULANCE in parties)
        or (role is Role.COORDINATOR and Party.COORDINATOR in parties)
    )


def _same_party(row: Row, other: By) -> bool:
    """Whether it lets nobody else in, wherever the row can be taken: the same people under another name.

    What does not exist yet has no parties: who creates it is its origin.
    """
    if row.sources == (None,):
        return True
    if row.sources == (S.AWAITING_APPROVAL,) and other.party in (Party.ASKED, Party.DESTINATION):
        return True  # nobody is asked before the approval
    return all(any(_one_facility(source, by.party, other.party) for by in row.by) for source in row.sources)


def _one_facility(source: S | None, party: Party, other: Party) -> bool:
    """Whether two parties are the same people in a state."""
    both = {party, other}
    return (
        len(both) == 1
        # while none is accepted, the destination is whoever is asked
        or (both == {Party.ASKED, Party.DESTINATION} and source in _UNACCEPTED)
        or (both == {Party.CUSTODIAN, Party.ORIGIN} and source in _UNARRIVED)
        or (both == {Party.CUSTODIAN, Party.DESTINATION} and source in _ARRIVED)
    )


def _with(row: Row, place: int, outcome: Outcome) -> Row:
    return replace(row, outcomes=_swapped(row.outcomes, place, outcome))


def _swapped(values: tuple, place: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*values[:place], value, *values[place + 1 :])
