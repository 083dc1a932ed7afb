"""Every case of the state table, and that there is one for everything in the table."""

from functools import cache

import pytest

from services.referral.domain.events import EVENTS
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.transition_lookup import INTERNAL
from services.referral.domain.transition_row import Row
from services.referral.domain.transitions import TABLE
from tests.unit.referral.table.cases import Case, Fold, Rejected, Taken, WhoMay, source_of
from tests.unit.referral.table.every_case import every_case

S = ReferralState
ROWS = [pytest.param(row, id=f"{number:02}-{row.command.__name__}") for number, row in enumerate(TABLE, 1)]


SMALL = (WhoMay, Fold)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=str(case)) for case in every_case() if not isinstance(case, SMALL)]
)
def test_case(case: Case) -> None:
    case.run()


def _grouped() -> dict[str, list[WhoMay | Fold]]:
    """The many small ones: by door, and by state."""
    found: dict[str, list[WhoMay | Fold]] = {}
    for case in every_case():
        if isinstance(case, SMALL):
            kind = "who" if isinstance(case, WhoMay) else "fold"
            found.setdefault(f"{kind}-{case.command}-{source_of(case.story) or 'nothing'}", []).append(case)
    return found


@pytest.mark.parametrize("name", _grouped())
def test_who_may_and_what_cannot_follow(name: str) -> None:
    for case in _grouped()[name]:
        try:
            case.run()
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error


@cache
def _taken() -> set[tuple[S | None, str, str, S]]:
    """From, command, event, to; what precedes the last event leaves the state."""
    return {
        (case.source, case.command, event, case.to if event == case.events[-1] else case.source or case.to)
        for case in every_case()
        if isinstance(case, Taken)
        for event in case.events
    }


@cache
def _folded() -> set[tuple[S | None, str]]:
    """What no command gives there, and the fold takes."""
    return {
        (source_of(case.story), type(case.event).__name__)
        for case in every_case()
        if isinstance(case, Fold) and case.to is not None
    }


@cache
def _refused() -> set[tuple[S | None, str, str]]:
    """From, command, code."""
    return {
        (case.source, case.command, code)
        for case in every_case()
        if isinstance(case, Rejected)
        for code in case.codes
    }


@cache
def _kept_out() -> set[tuple[S | None, str, bool]]:
    return {(case.source, case.command, case.may) for case in every_case() if isinstance(case, WhoMay)}


@pytest.mark.parametrize("row", ROWS)
def test_the_row_is_taken_from_each_state_by_each_event_to_each_target(row: Row) -> None:
    command = row.command.__name__
    events = dict.fromkeys(outcome.event.__name__ for outcome in row.outcomes)
    seen = {(source, event) for source, name, event, _ in _taken() if name == command} | _folded()
    missing = {(source, event) for source in row.sources for event in events} - seen
    assert not missing, f"moves.py takes {command} nowhere from/with {missing}"
    for outcome in row.outcomes:
        reached = {
            (source, target)
            for source, name, event, target in _taken()
            if name == command and event == outcome.event.__name__ and source in row.sources
        } | {
            (source_of(case.story), case.to)
            for case in every_case()
            if isinstance(case, Fold) and type(case.event) is outcome.event and case.to is not None
        }
        wanted = {(source, outcome.to or source) for source in row.sources}
        assert reached & wanted, f"moves.py has no {command} to {outcome.to}"


@pytest.mark.parametrize("row", ROWS)
def test_the_row_keeps_somebody_out(row: Row) -> None:
    command = row.command.__name__
    sources = tuple(S) if row.command in INTERNAL else row.sources
    for may in (True, False):
        tried = any((source, command, may) in _kept_out() for source in sources)
        assert tried, f"people.py has no door for {command}"


@pytest.mark.parametrize("row", ROWS)
def test_each_guard_of_the_row_refuses_by_itself(row: Row) -> None:
    command = row.command.__name__
    codes = {code for source, name, code in _refused() if name == command and source in row.sources}
    missing = {guard.code for guard in row.guards} - codes
    assert not missing, f"refusals.py lacks {command}: {missing}"
    alone = {
        case.codes[0]
        for case in every_case()
        if isinstance(case, Rejected) and case.command == command and len(case.codes) == 1
    }
    # NOT_DOWNWARD: what is not downward is no rehabilitation place either.
    assert {guard.code for guard in row.guards} - alone <= {"NOT_DOWNWARD"}
    if row.down_only and row.command not in INTERNAL:  # of the system's rows the SystemMay cases speak
        assert "DOWN_ONLY" in codes
    if row.norms:
        assert codes - {guard.code for guard in row.guards}, f"refusals.py has no norm that refuses {command}"


def test_every_event_is_folded_in_some_case() -> None:
    assert {event for _, _, event, _ in _taken()} == {event.__name__ for event in EVENTS}
