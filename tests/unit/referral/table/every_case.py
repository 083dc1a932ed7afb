"""All cases of the state table, once."""

from functools import cache

from tests.unit.referral.table.cases import Case
from tests.unit.referral.table.folds import all_folds, all_of_system
from tests.unit.referral.table.moves import all_moves
from tests.unit.referral.table.people import all_offered, all_people
from tests.unit.referral.table.refusals import all_refusals


@cache
def every_case() -> tuple[Case, ...]:
    """Those that say most first."""
    return (
        *all_moves(),
        *all_refusals(),
        *all_offered(),
        *all_of_system(),
        *all_folds(),
        *all_people(),
    )
