"""Holds drills: the daily ones by the plan's deadline, others when a person starts one."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk
from services.notification.application.copies import KnownDirectory
from services.notification.application.roster_lookup import rosters_of
from services.notification.domain import alert as alerts
from services.notification.domain import board_texts, drill, drill_plan
from services.notification.domain.alert_state import Alert
from services.notification.domain.board import may_arrange
from services.notification.domain.board_alerts import drill_alert
from services.notification.domain.board_policy import BoardPolicy
from services.notification.domain.commands import SettleAlert
from services.notification.domain.communities import acting_at, seen_by
from services.notification.domain.drill import Drill, StartDrill
from services.notification.domain.drill_events import DrillNotHeld, DrillStarted
from services.notification.domain.drill_plan import DrillPlan
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.actor import Actor, system_actor
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotPermitted

_SYSTEM = system_actor("notification")


class DrillDesk:
    """Raises DependencyDown when the store is away."""

    def __init__(
        self, *, kinds: Aggregates, policy: BoardPolicy, directory: KnownDirectory, boards: BoardDesk
    ) -> None:
        self._kinds = kinds
        self._policy = policy
        self._directory = directory
        self._boards = boards

    def centres(self) -> dict[str, tuple[str, str]]:
        """Facility and centre of each plan that is to be, by the plan's name."""
        return {
            drill_plan.plan_name(facility.id, centre): (facility.id, centre)
            for facility in self._directory.current().facilities.values()
            for centre in self._policy.centres_of(facility.capabilities)
        }

    def target(self, command: StartDrill, actor: Actor) -> StartDrill:
        """Which centre's drill a person starts. Raises NotPermitted, InvalidInput."""
        facility = command.facility or actor.facility
        directory = self._directory.current()
        if not may_arrange(acting_at(actor, facility, directory), facility):
            raise NotPermitted("DRILL_NOT_THEIRS", board_texts.NOT_THEIRS)
        known = directory.facilities.get(facility)
        centres = self._policy.centres_of(known.capabilities if known else ())
        centre = command.centre or (centres[0] if centres else "")
        if centre not in centres:
            raise InvalidInput(
                FieldViolation(
                    field="centre", reason="NO_SUCH_CENTRE", description=board_texts.NO_SUCH_CENTRE.en
                )
            )
        return StartDrill(facility=facility, centre=centre)

    def seen(self, actor: Actor, asked: str) -> tuple[str, ...] | None:
        """The facilities whose drills the actor sees, of those asked for; None is everybody's."""
        facilities = seen_by(actor, self._directory.current())
        if asked:
            return (asked,) if facilities is None or asked in facilities else ()
        return None if facilities is None else tuple(sorted(facilities))

    def start(self, command: StartDrill, name: str) -> UseCase[Drill]:
        """Answers with the drill that has begun."""

        async def use_case(work: Work) -> Reply[Drill]:
            await self._begin(work, name, command.facility, command.centre, scheduled=False)
            return work.reply(self._kinds.drill, name)

        return use_case

    def plan(self, plan: str, facility: str, centre: str) -> Reaction:
        """Has the plan of a centre follow the site's time."""

        async def reaction(work: Work) -> None:
            state: DrillPlan | None = await work.load(self._kinds.drill_plan, plan)
            if state is not None and drill_plan.is_held_at(state, self._policy):
                return
            next_at = self._policy.next_drill(work.context.recorded_at)
            events = drill_plan.plan(state, facility, centre, next_at)
            if events:
                await work.record(self._kinds.drill_plan, plan, events)

        return reaction

    def hold(self, plan: str, due_at: datetime) -> Reaction:
        """The plan's deadline has come: the drill begins, and the next one is planned, in one unit."""

        async def reaction(work: Work) -> None:
            state: DrillPlan | None = await work.load(self._kinds.drill_plan, plan)
            if state is None or state.next_at != due_at:
                return
            if plan not in self.centres():
                # The facility has the centre no longer.
                ended = drill_plan.plan(state, state.facility, state.centre, None)
                await work.record(self._kinds.drill_plan, plan, ended)
                return
            name = drill.scheduled_drill_name(plan, due_at)
            late = work.context.recorded_at - due_at
            if late > timedelta(seconds=self._policy.drill.late_max_s):
                missed = DrillNotHeld(facility=state.facility, centre=state.centre, due_at=due_at)
                if await work.load(self._kinds.drill, name) is None:
                    await work.record(self._kinds.drill, name, (missed,))
            else:
                await self._begin(work, name, state.facility, state.centre, scheduled=True)
            next_at = self._policy.next_drill(work.context.recorded_at)
            events = drill_plan.plan(state, state.facility, state.centre, next_at)
            await work.record(self._kinds.drill_plan, plan, events)

        return reaction

    def meet(self, name: str, key: str) -> Reaction:
        """A drill's own deadline: missed, or answered and to go from the boards."""

        async def reaction(work: Work) -> None:
            state: Drill | None = await work.load(self._kinds.drill, name)
            if state is None:
                return
            events = drill.meet_deadline(state, key)
            if not events:
                return
            await work.record(self._kinds.drill, name, events)
            alert: Alert | None = await work.load(self._kinds.alert, state.alert)
            if alert is not None:
                command = SettleAlert(
                    resolution=type(events[0]).__name__,
                    cause_event_id=derive_id("event", name, str(state.version + 1)),
                )
                settled = alerts.decide(alert, command, work.context)
                if settled:
                    await work.record(self._kinds.alert, state.alert, settled)

        return reaction

    async def _begin(self, work: Work, name: str, facility: str, centre: str, *, scheduled: bool) -> None:
        if await work.load(self._kinds.drill, name) is not None:
            # Where this process's picture of the plan is old, another has begun it already.
            return
        at = work.context.recorded_at
        started: DrillStarted = drill.start(
            name,
            facility=facility,
            centre=centre,
            scheduled=scheduled,
            without_board=self._boards.lacks_board(facility, centre),
            at=at,
            answer_within_s=self._policy.drill.answer_within_s,
        )
        await work.record(self._kinds.drill, name, (started,))
        rosters = await rosters_of(work, self._kinds, self._directory.current(), facility)
        command = drill_alert(name, started, rosters=rosters, at=at)
        events = alerts.decide(None, command, replace(work.context, actor=_SYSTEM))
        await work.record(self._kinds.alert, started.alert, events)


async def answer_drill(work: Work, kinds: Aggregates, alert: Alert) -> None:
    """Whoever answers a drill's alert has answered the drill, in the same unit."""
    if not alert.drill:
        return
    state: Drill | None = await work.load(kinds.drill, alert.subject)
    events = drill.answer(state)
    if events:
        await work.record(kinds.drill, alert.subject, events)
