"""What PreviewRecipients says of each person and channel: reached, or why not."""

from typing import Any, cast

from services.notification.application.preview_recipients import RecipientPreview
from services.notification.application.reach import Reach
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.preview import PreviewedAlert
from services.notification.domain.reach import ReachHindrance, RecipientReach
from services.notification.domain.roster import roster_name
from services.notification.domain.roster_commands import RosterApplied
from services.notification.domain.supposition import Supposition
from services.notification.domain.values import Pathway, Severity, Urgency
from services.notification.entrypoints.grpc.preview_service import previewed_resource
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.reaching import KINDS, PHONE, ROBOT, SMS, Books, site
from tests.unit.notification.rosters import OPERATOR, duty
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import HOSPITAL, NOW, SYSTEM, context
from tierlink.notification.v1 import alert_service_pb2 as pb

ROSTER = RosterApplied(
    facility=HOSPITAL,
    duties=(
        duty("dr-none"),
        duty("dr-phone"),
        duty("dr-named", channels=("sms", "pigeon")),
        duty("dr-torn", channels=("sms",)),
        duty("dr-lead", step="lead"),
    ),
)
BOOKS = Books(dr_phone=(PHONE,), dr_lead=(PHONE,), dr_torn=None)


class Boards:
    """Boards of one facility, live or expected and gone."""

    def __init__(self, *, live: bool, reach: Reach) -> None:
        self.live, self.reach = live, reach

    async def reached_without(self, alert: TriggerAlert) -> frozenset[str] | None:
        return None if self.live else await self.reach.of(alert.escalation, alert.severity)


async def offered(*channels: Any, live: bool = False) -> PreviewedAlert:
    """The alert of a stroke that is offered to the hospital."""
    store = MemoryEventStore()
    runner = CommandRunner(store)

    async def apply(work: Work) -> None:
        await work.load(KINDS.roster, roster_name(HOSPITAL))
        await work.record(KINDS.roster, roster_name(HOSPITAL), (ROSTER,))

    await runner.react(apply, context(SYSTEM), target=roster_name(HOSPITAL), inbox=None)
    reach = Reach(BOOKS, {each.name: each for each in channels})
    previews = RecipientPreview(
        store=store,
        runner=runner,
        kinds=KINDS,
        catalogue=CATALOGUE,
        directory=cast(Any, type("Known", (), {"current": lambda self: DIRECTORY})()),
        subjects=cast(Any, None),
        boards=cast(Any, Boards(live=live, reach=reach)),
        reach=reach,
        board_is_live=lambda facility, role: live and (facility, role) == (HOSPITAL, "STROKE"),
    )
    supposition = Supposition(
        event="ReferralRequested",
        facility=HOSPITAL,
        pathway=Pathway.STROKE,
        urgency=Urgency.EMERGENCY,
        at=NOW,
    )
    found = await previews.preview(supposition, OPERATOR)
    return next(each for each in found.alerts if each.alert.rule == "OFFER")


def said(reach: RecipientReach) -> list[tuple[str, str]]:
    return [(each.channel, each.hindrance.value if each.hindrance else "") for each in reach.channels]


NO_BOARD = ("board", "NO_BOARD_LIVE")


async def test_each_person_and_channel_is_reached_or_says_why_not() -> None:
    found = {each.user: each for each in (await offered(SMS)).reaches}
    assert {user: (each.is_reached, said(each)) for user, each in found.items()} == {
        "dr-none": (False, [NO_BOARD]),
        "dr-phone": (True, [NO_BOARD, ("sms", "")]),
        "dr-named": (False, [NO_BOARD, ("sms", "NO_CONTACT_POINT"), ("pigeon", "NO_SUCH_CHANNEL")]),
        "dr-torn": (False, [NO_BOARD, ("sms", "CONTACT_POINTS_UNREADABLE")]),
        "dr-lead": (True, [NO_BOARD, ("sms", "")]),
        "platform-duty": (False, [NO_BOARD]),
    }


async def test_a_live_board_reaches_the_people_of_its_facility_and_nobody_else() -> None:
    found = {each.user: each for each in (await offered(live=True)).reaches}
    assert said(found["dr-none"]) == [("board", "")]
    assert found["dr-none"].is_reached
    assert said(found["platform-duty"]) == [NO_BOARD]
    assert not found["platform-duty"].is_reached


async def test_a_groups_robot_reaches_those_for_whom_the_roster_names_no_channel() -> None:
    found = {each.user: each for each in (await offered(ROBOT)).reaches}
    assert said(found["dr-none"]) == [NO_BOARD, ("robot", "")]
    assert ("robot", "") not in said(found["dr-torn"])


async def test_a_channel_that_is_off_for_the_severity_says_so() -> None:
    quiet = site("sms", contact=SMS.contact, severities=frozenset({Severity.INFORMATION}))
    found = {each.user: each for each in (await offered(quiet)).reaches}
    assert said(found["dr-phone"]) == [NO_BOARD, ("sms", "NOT_FOR_SEVERITY")]
    assert not found["dr-phone"].is_reached


async def test_it_is_answered_with_the_reason_in_words() -> None:
    answered = previewed_resource(await offered(SMS), {})
    named = next(each for each in answered.reaches if each.user == "dr-named")
    sms = next(each for each in named.channels if each.channel == "sms")
    assert sms.hindrance == pb.REACH_HINDRANCE_NO_CONTACT_POINT
    assert sms.text.zh
    assert sms.text.en
    for hindrance in ReachHindrance:
        assert pb.ReachHindrance.Value(f"REACH_HINDRANCE_{hindrance.value}")
