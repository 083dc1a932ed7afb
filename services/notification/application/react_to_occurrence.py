"""An event of another service settles and triggers alerts, in one unit with the mark that it was seen."""

from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk
from services.notification.application.caseload import Caseload
from services.notification.application.copies import KnownDirectory, Subjects
from services.notification.application.roster_lookup import rosters_of
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.calling import Summons, summons
from services.notification.domain.caseload import CASE_KINDS, follow
from services.notification.domain.commands import SettleAlert, TriggerAlert
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.events import AlertTriggered
from services.notification.domain.matching import AlertIntent, Facts, Settlement, settled, triggered
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.subject_state import SubjectState, observe
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.eventstore.work import Reaction, Work

#: More open alerts on one subject than any case has.
_ALERTS_MAX = 500


class AlertDesk:
    """Turns occurrences into what happens to alerts. Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        store: EventStore,
        kinds: Aggregates,
        catalogue: RuleCatalogue,
        directory: KnownDirectory,
        subjects: Subjects,
        cases: Caseload,
        boards: BoardDesk,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._catalogue = catalogue
        self._directory = directory
        self._subjects = subjects
        self._cases = cases
        self._boards = boards

    def react(self, occurrence: Occurrence) -> Reaction:
        """First what the event makes moot, then what it asks for."""

        async def reaction(work: Work) -> None:
            subject = observe(await self._subjects.load(occurrence.aggregate_id), occurrence)
            self._subjects.put(work, subject)
            if occurrence.aggregate_kind in CASE_KINDS:
                await self._follow(work, occurrence, subject)
            for settlement in settled(occurrence, self._catalogue):
                await self._settle(work, settlement)
            facts = Facts(subject=subject, directory=self._directory.current())
            for intent in triggered(occurrence, self._catalogue, facts):
                await self._trigger_intent(work, intent)

        return reaction

    async def _follow(self, work: Work, occurrence: Occurrence, subject: SubjectState) -> None:
        known = await self._cases.load(occurrence.aggregate_id)
        case = follow(known, occurrence, subject)
        if case is not None and case != known:
            self._cases.put(work, known, case)

    async def _settle(self, work: Work, settlement: Settlement) -> None:
        query = StreamQuery(
            kind=self._kinds.alert.name,
            contains={"subject": settlement.subject, "live": True},
            limit=_ALERTS_MAX,
        )
        command = SettleAlert(resolution=settlement.resolution, cause_event_id=settlement.cause_event_id)
        for stream in (await self._store.find(query)).streams:
            alert: Alert | None = await work.load(self._kinds.alert, stream.stream_id)
            if alert is None or not settlement.covers(alert):
                continue
            events = alerts.decide(alert, command, work.context)
            if events:
                await work.record(self._kinds.alert, stream.stream_id, events)

    async def _trigger_intent(self, work: Work, intent: AlertIntent) -> None:
        rosters = await rosters_of(work, self._kinds, self._directory.current(), intent.facility)
        called = self._summons(work, intent, rosters)
        reached = await self._boards.reached_without(called.alert)
        if reached is not None:
            called = self._summons(work, intent, rosters, reached)
        if await self._trigger(work, called.alert) and called.unstaffed is not None:
            await self._trigger(work, called.unstaffed)

    def _summons(
        self, work: Work, intent: AlertIntent, rosters: Rosters, reached: frozenset[str] | None = None
    ) -> Summons:
        return summons(
            intent,
            catalogue=self._catalogue,
            directory=self._directory.current(),
            rosters=rosters,
            at=work.context.recorded_at,
            reached=reached,
        )

    async def _trigger(self, work: Work, command: TriggerAlert) -> bool:
        """Whether a new alert was triggered; one that is open is triggered again instead."""
        name = alert_name(command.dedup_key, await self._latest(work, command.dedup_key))
        state: Alert | None = await work.load(self._kinds.alert, name)
        events = alerts.decide(state, command, work.context)
        if events:
            await work.record(self._kinds.alert, name, events)
        return any(isinstance(event, AlertTriggered) for event in events)

    async def _latest(self, work: Work, dedup_key: str) -> Alert | None:
        """The latest alert with the key, as it stands in the unit of work."""
        query = StreamQuery(kind=self._kinds.alert.name, contains={"dedup_key": dedup_key}, limit=1)
        page = await self._store.find(query)
        if not page.streams:
            # It may have been triggered earlier in this very unit.
            first: Alert | None = await work.load(self._kinds.alert, alert_name(dedup_key, None))
            return first
        latest: Alert | None = await work.load(self._kinds.alert, page.streams[0].stream_id)
        return latest
