"""A centre's boards beside those of its facility: whose silence calls whom, and whose alerts go on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from services.notification.application.board_desk import BoardDesk, Silence
from services.notification.application.copies import KnownDirectory
from services.notification.application.drill_desk import DrillDesk
from services.notification.application.presence import BoardPresence, Presence
from services.notification.application.reach import Reach
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert
from services.notification.domain.board import Board, BoardState, Place, board_name
from services.notification.domain.board_policy import BoardPolicy, DrillTiming
from services.notification.domain.drill import StartDrill
from services.notification.domain.values import AlertState
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.actor import Role
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.folding import KINDS
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.reaching import Books
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import HOSPITAL, NOW, SYSTEM, TRIGGER, context, person

FACILITY = Place(facility=HOSPITAL)
STROKE, CHEST = Place(facility=HOSPITAL, centre="STROKE"), Place(facility=HOSPITAL, centre="CHEST_PAIN")
HERE, GONE = Presence(seen_at=NOW, silent_s=2.0), Presence(seen_at=NOW, silent_s=90.0)
DIRECTORY_NOW = cast(KnownDirectory, type("Known", (), {"current": lambda self: DIRECTORY})())
POLICY = BoardPolicy(
    live_s=15,
    limit_s=60,
    centres=("STROKE", "CHEST_PAIN", "TRAUMA"),
    facilities=(),
    drill=DrillTiming(at=None, answer_within_s=300, late_max_s=0),
    utc_offset_minutes=480,
)


class Screens:
    """What is known of boards, as a test has it."""

    def __init__(self, known: Mapping[Place, Presence]) -> None:
        self.known = known

    def current(self) -> Mapping[Place, Presence]:
        return self.known


class Site:
    """A desk of boards with its store."""

    def __init__(self, known: Mapping[Place, Presence], policy: BoardPolicy = POLICY) -> None:
        store = MemoryEventStore()
        self.runner = CommandRunner(store)
        self.desk = BoardDesk(
            store=store,
            kinds=KINDS,
            catalogue=CATALOGUE,
            policy=policy,
            directory=DIRECTORY_NOW,
            presence=cast(BoardPresence, Screens(known)),
            reach=Reach(Books(), {}),
        )

    async def trigger(self, role: str) -> str:
        """An open alert of this centre."""
        key = f"OFFER/{role}"
        name = alerts.alert_name(key, None)

        async def reaction(work: Work) -> None:
            command = replace(TRIGGER, dedup_key=key, role=role)
            await work.record(KINDS.alert, name, alerts.decide(None, command, work.context))

        await self.runner.react(reaction, context(SYSTEM), target=name, inbox=None)
        return name

    async def miss(self, place: Place) -> Board:
        name = board_name(place.facility, place.centre)
        reaction = self.desk.miss(Silence(place=place, last_seen_at=NOW))
        await self.runner.react(reaction, context(SYSTEM), target=name, inbox=None)
        return await self.board(place)

    async def note(self, place: Place) -> Board:
        name = board_name(place.facility, place.centre)
        await self.runner.react(self.desk.note(place), context(SYSTEM), target=name, inbox=None)
        return await self.board(place)

    async def board(self, place: Place) -> Board:
        found = await self.runner.read(KINDS.board, board_name(place.facility, place.centre))
        assert found.state is not None
        return found.state

    async def alert(self, name: str) -> Alert:
        found: Any = (await self.runner.read(KINDS.alert, name)).state
        assert found is not None
        return cast(Alert, found)


@pytest.mark.parametrize(
    ("known", "lacks", "live"),
    [
        # No board was ever known: nobody waits for one, and nobody is told to lack it.
        ({}, [], []),
        # Without boards of its own a centre's alerts are looked for on the facility's.
        ({FACILITY: HERE}, [], ["STROKE", "CHEST_PAIN", ""]),
        ({FACILITY: GONE}, ["STROKE", "CHEST_PAIN", ""], []),
        # A telephone of the facility is no wall of its stroke centre; the other centre has no wall.
        ({FACILITY: HERE, STROKE: GONE}, ["STROKE"], ["CHEST_PAIN", ""]),
        ({FACILITY: HERE, STROKE: HERE, CHEST: GONE}, ["CHEST_PAIN"], ["STROKE", ""]),
    ],
)
def test_an_alert_is_looked_for_on_the_boards_of_its_centre_and_else_on_the_facilitys(
    known: Mapping[Place, Presence], lacks: list[str], live: list[str]
) -> None:
    desk = Site(known).desk
    roles = ("STROKE", "CHEST_PAIN", "")
    assert [role for role in roles if desk.lacks_board(HOSPITAL, role)] == lacks
    assert [role for role in roles if desk.is_live(HOSPITAL, role)] == live


def test_a_centre_that_the_facility_does_not_have_has_no_boards_of_its_own() -> None:
    trauma = Place(facility=HOSPITAL, centre="TRAUMA")
    desk = Site({FACILITY: HERE, trauma: GONE}).desk
    assert desk.centres_of(HOSPITAL) == ("STROKE", "CHEST_PAIN")
    assert not desk.lacks_board(HOSPITAL, "TRAUMA")
    walls = replace(POLICY, walls={HOSPITAL: ("TRAUMA",)})
    assert Site({FACILITY: HERE, trauma: GONE}, walls).desk.lacks_board(HOSPITAL, "TRAUMA")


async def test_when_a_centres_last_board_goes_its_own_alerts_go_on_and_no_others() -> None:
    site = Site({FACILITY: HERE, STROKE: GONE})
    stroke, chest = await site.trigger("STROKE"), await site.trigger("CHEST_PAIN")
    lost = await site.miss(STROKE)
    assert (lost.name, lost.centre, lost.state) == (f"boards/{HOSPITAL}/STROKE", "STROKE", BoardState.LOST)
    alarm = await site.alert(lost.alert)
    assert (alarm.rule, alarm.role, alarm.subject) == ("NO_BOARD", "STROKE", lost.name)
    # Nobody of them has a telephone here: all are called together in the last step.
    assert (await site.alert(stroke)).escalation_step > 0
    assert (await site.alert(chest)).escalation_step == 0
    await site.note(STROKE)
    assert (await site.alert(lost.alert)).state is AlertState.RESOLVED


async def test_when_the_facilitys_last_board_goes_the_alerts_of_centres_with_boards_stay() -> None:
    site = Site({FACILITY: GONE, STROKE: HERE})
    stroke, chest = await site.trigger("STROKE"), await site.trigger("CHEST_PAIN")
    lost = await site.miss(FACILITY)
    assert (await site.alert(stroke)).escalation_step == 0
    assert (await site.alert(chest)).escalation_step > 0
    # The lead of a centre that has a screen is not told that there is none.
    assert (await site.alert(lost.alert)).role == "CHEST_PAIN"


@pytest.mark.parametrize(
    ("known", "without_board"),
    [
        ({FACILITY: HERE, STROKE: GONE}, True),
        ({FACILITY: GONE, STROKE: HERE}, False),
        ({FACILITY: GONE}, True),
    ],
)
async def test_a_drill_says_whether_its_own_centre_had_a_board(
    known: Mapping[Place, Presence], without_board: bool
) -> None:
    site = Site(known)
    drills = DrillDesk(kinds=KINDS, policy=POLICY, directory=DIRECTORY_NOW, boards=site.desk)
    command = StartDrill(facility=HOSPITAL, centre="STROKE")
    name = "drills/0b9c12ab-0000-4000-8000-000000000009"
    await site.runner.run(
        drills.start(command, name), context(person(Role.OPERATOR)), kind=KINDS.drill, target=name, digest=b""
    )
    held = (await site.runner.read(KINDS.drill, name)).state
    assert held is not None
    assert held.without_board == without_board
    assert (await site.alert(held.alert)).without_board == without_board


async def test_outages_of_a_centre_and_of_its_facility_are_two() -> None:
    site = Site({FACILITY: GONE, STROKE: GONE})
    centre, facility = await site.miss(STROKE), await site.miss(FACILITY)
    assert centre.alert != facility.alert
    assert (facility.name, facility.centre) == (f"boards/{HOSPITAL}", "")
    back = await site.note(STROKE)
    assert back.state is BoardState.LIVE
    assert (await site.alert(facility.alert)).state is AlertState.TRIGGERED
