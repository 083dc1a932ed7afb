"""What random histories have found, each as a history of its own."""

from dataclasses import replace

from services.referral.domain import commands_plan as pc
from tests.unit.referral.referral.network import TOWN
from tests.unit.referral.referral.stories import REASON, down_arrived


def test_a_referral_that_turned_down_on_the_way_can_be_given_a_plan() -> None:
    """It went up without a plan; diverted or re-routed, it is a referral down."""
    chart = down_arrived()
    chart.state = replace(chart.referral, rehabilitation_plan=None)
    chart.when(pc.AmendPlan(medications=("阿司匹林 100 mg",), reason=REASON), TOWN)
    plan = chart.referral.rehabilitation_plan
    assert plan is not None
    assert (plan.tasks, plan.medications) == ((), ("阿司匹林 100 mg",))
