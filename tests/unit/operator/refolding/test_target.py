"""Which new database stands beside which live one."""

import pytest

from services.operator.platform.given import Given
from services.operator.refolding.target import BadTarget, targets

GIVEN = Given(
    kafka_bootstrap=None,
    dsns={"referral": "postgresql://u:p@h:1/live?sslmode=require", "bed": None, "notification": None},
)


def test_it_is_on_the_same_server_under_another_name() -> None:
    (found,) = targets(GIVEN, ("referral",), "_refold")
    assert (found.live_name, found.name) == ("live", "live_refold")
    assert found.dsn == "postgresql://u:p@h:1/live_refold?sslmode=require"


@pytest.mark.parametrize("suffix", ["", "x" * 60])
def test_never_the_live_one_nor_a_name_that_is_cut(suffix: str) -> None:
    with pytest.raises(BadTarget):
        targets(GIVEN, ("referral",), suffix)
