"""No change to a row of the referral's state table goes unnoticed."""

import pytest

from services.referral.domain.decide import decide
from services.referral.domain.transition_lookup import ROW_IN, ROWS
from services.referral.domain.transitions import TABLE
from tests.mutation.mutants import mutants
from tests.mutation.table import in_force, judge, survivors
from tests.unit.referral.table.every_case import every_case

COMMANDS = tuple(dict.fromkeys(row.command.__name__ for row in TABLE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_mutant_of_the_commands_rows_is_noticed(command: str) -> None:
    chosen = [mutant for mutant in mutants(TABLE) if mutant.command == command]
    assert len(chosen) > 40
    assert [str(mutant) for mutant in survivors(chosen)] == []


def test_a_mutant_is_in_force_for_its_block_alone() -> None:
    before = dict(ROW_IN), dict(ROWS)
    with in_force(TABLE[:-1]):
        assert TABLE[-1] not in ROWS.get(TABLE[-1].command, ())
        assert decide.__globals__["ROWS"] is ROWS
    assert before == (ROW_IN, ROWS)


def test_the_program_says_when_nobody_notices() -> None:
    """With no cases at all, every mutant that the service would start with survives."""
    dropped = next(mutant for mutant in mutants(TABLE) if mutant.change == "dropped")
    assert judge(dropped, []).noticed_by is None
    assert judge(dropped, list(every_case())).noticed_by is not None
