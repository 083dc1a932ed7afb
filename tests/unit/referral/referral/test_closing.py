"""The loop is closed on both ends: what keeps a referral from being closed, and names it."""

from dataclasses import replace

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.values import CodedReason
from services.shared.kernel.refusals import NotAllowed, Refused
from tests.unit.referral.referral.chart import Chart, names, where
from tests.unit.referral.referral.children import FOLLOW_UP, child_of, followed_up
from tests.unit.referral.referral.network import GENERAL, GENERAL_OFFICE, TOWN, WUCAIWAN
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRIVE,
    CLOSE,
    COMPLETE,
    arrived,
    down_arrived,
    referred_back,
    told,
    treated,
)

WHY = CodedReason(code="PATIENT_AWAY", text="外出")
READ = pc.AcknowledgeOutcome()


def texts(refusal: Refused) -> tuple[str, str]:
    assert isinstance(refusal, NotAllowed)
    (rule,) = refusal.failed_rules
    return rule.text.zh, rule.text.en


def down_treated() -> Chart:
    return told((FOLLOW_UP, TOWN), (COMPLETE, TOWN), chart=down_arrived())


def test_the_report_may_be_read_before_the_loop_is_closed() -> None:
    chart = treated()
    assert chart.keys() == ["outcome-report"]
    chart.refused(READ, GENERAL, "WRONG_FACILITY")
    assert names(chart.when(READ, WUCAIWAN)) == ["OutcomeAcknowledged"]
    assert chart.referral.outcome_acknowledged_at == chart.now
    assert chart.keys() == []
    assert chart.when(READ, WUCAIWAN) == ()
    assert names(chart.when(c.CloseReferral(), WUCAIWAN)) == ["ReferralClosed"]
    arrived().refused(READ, WUCAIWAN, "NOT_ALLOWED_IN_STATE")


def test_a_parent_stays_open_until_its_child_arrived_and_was_followed_up() -> None:
    parent = referred_back()
    child = child_of(parent)
    parent.when(READ, WUCAIWAN)
    zh, en = texts(parent.fact(child=child.referral).refused(CLOSE, WUCAIWAN, "CHILD_NOT_FOLLOWED_UP"))
    assert f"下转单 {child.name} 未闭环，不能结案：患者尚未到达（已申请）" == zh
    assert en.endswith(f"referral back {child.name} is not closed: the patient has not arrived (requested)")
    told((ACCEPT, TOWN), (ARRIVE, TOWN), chart=child)
    zh, en = texts(parent.fact(child=child.referral).refused(CLOSE, WUCAIWAN, "CHILD_NOT_FOLLOWED_UP"))
    assert zh.endswith("尚无首次随访（计划 2026-03-09）")
    assert en.endswith("no first follow-up (planned 2026-03-09)")
    told((FOLLOW_UP, TOWN), chart=child)
    assert names(parent.fact(child=child.referral).when(CLOSE, WUCAIWAN)) == ["ReferralClosed"]


def test_a_referral_down_stays_open_until_its_tasks_are_settled() -> None:
    chart = down_treated()
    zh, en = texts(chart.refused(CLOSE, GENERAL, "TASKS_NOT_SETTLED"))
    assert zh == ("康复任务未了结，不能结案：t1 肢体训练（2026-03-10，未完成）；须完成、取消或说明逾期原因")
    assert "t1 肢体训练 (2026-03-10, open)" in en
    for settled in (pc.CompleteTask(task="t1"), pc.CancelTask(task="t1", reason=WHY)):
        assert where(told((settled, TOWN), (CLOSE, GENERAL), chart=chart.copy())) is ReferralState.CLOSED
    chart.due("task:t1")
    zh, _ = texts(chart.refused(CLOSE, GENERAL, "TASKS_NOT_SETTLED"))
    assert "逾期未做" in zh
    told((pc.ExplainMissedTask(task="t1", reason=WHY), TOWN), (CLOSE, GENERAL), chart=chart)
    assert (where(chart), chart.keys()) == (ReferralState.CLOSED, [])


def test_every_open_end_is_named_at_once() -> None:
    chart = told((COMPLETE, TOWN), chart=down_arrived())
    refusal = chart.refused(c.CloseReferral(), GENERAL, "REPORT_NOT_ACKNOWLEDGED", "TASKS_NOT_SETTLED")
    assert "t1 " in str(refusal)
    assert "t2 随访" in str(refusal)


def test_the_hospital_acknowledges_the_return_note() -> None:
    child = told((pc.CompleteTask(task="t1"), TOWN), (COMPLETE, TOWN), chart=followed_up(referred_back()))
    child.refused(c.CloseReferral(), GENERAL, "REPORT_NOT_ACKNOWLEDGED")
    told((READ, GENERAL_OFFICE), (c.CloseReferral(), GENERAL), chart=child)
    assert where(child) is ReferralState.CLOSED


def test_what_came_up_with_a_plan_is_not_asked_for_its_tasks() -> None:
    """A plan on a referral up is advice, no contract: nobody reports its tasks."""
    plan = down_arrived().referral.rehabilitation_plan
    chart = treated()
    chart.state = replace(chart.referral, rehabilitation_plan=plan)
    assert names(chart.when(CLOSE, WUCAIWAN)) == ["ReferralClosed"]
