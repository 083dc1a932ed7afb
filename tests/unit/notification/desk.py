"""A desk that works as the service does: for each event first settle, then trigger; alerts in memory."""

from dataclasses import replace

from services.notification.domain import alert
from services.notification.domain.calling import summons
from services.notification.domain.commands import SettleAlert, TriggerAlert
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.matching import Facts, settled, triggered
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.subject_state import SubjectState, observe
from services.notification.domain.values import AlertState
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.rosters import duty, roster_of
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import SYSTEM, context

EVERYBODY = roster_of(duty("dr-any", role="*"), duty("dr-lead", role="*", step="lead"))


class Desk:
    """Carries out what the rules say, with alerts in memory."""

    def __init__(self, rosters: Rosters | None = None) -> None:
        self.subjects: dict[str, SubjectState] = {}
        self.alerts: dict[str, alert.Alert] = {}
        self.rosters = rosters or Rosters(own=EVERYBODY, lead=None)
        self._versions: dict[str, int] = {}

    def see(self, *events: Occurrence) -> "Desk":
        for event in events:
            version = self._versions[event.aggregate_id] = self._versions.get(event.aggregate_id, 0) + 1
            event_id = f"{event.aggregate_id}-{version}"
            self._see(replace(event, version=version, event_id=event_id))
        return self

    def _see(self, event: Occurrence) -> None:
        subject = observe(self.subjects.get(event.aggregate_id), event)
        self.subjects[event.aggregate_id] = subject
        for settlement in settled(event, CATALOGUE):
            for state in self.live():
                if settlement.covers(state):
                    moot = SettleAlert(
                        resolution=settlement.resolution, cause_event_id=settlement.cause_event_id
                    )
                    self._do(state.name, moot, context(SYSTEM, at=event.recorded_at))
        for intent in triggered(event, CATALOGUE, Facts(subject=subject, directory=DIRECTORY)):
            called = summons(
                intent,
                catalogue=CATALOGUE,
                directory=DIRECTORY,
                rosters=self.rosters,
                at=event.recorded_at,
            )
            for command in (called.alert, called.unstaffed):
                if command is not None:
                    self._trigger(command, context(SYSTEM, at=event.recorded_at))

    def _trigger(self, command: TriggerAlert, told: CommandContext) -> None:
        same = [state for state in self.alerts.values() if state.dedup_key == command.dedup_key]
        self._do(alert.alert_name(command.dedup_key, same[-1] if same else None), command, told)

    def _do(self, name: str, command: SettleAlert | TriggerAlert, told: CommandContext) -> None:
        for event in alert.decide(self.alerts.get(name), command, told):
            before = self.alerts.get(name)
            metadata = EventMetadata(
                event_id="",
                aggregate_id=name,
                version=before.version + 1 if before else 1,
                type=type(event).__name__,
                occurred_at=told.occurred_at,
                recorded_at=told.recorded_at,
                actor=told.actor,
                request_id=told.request_id,
            )
            self.alerts[name] = alert.evolve(before, Recorded(event=event, metadata=metadata))

    def live(self) -> list[alert.Alert]:
        return [state for state in self.alerts.values() if state.state is not AlertState.RESOLVED]

    def open_rules(self) -> list[str]:
        return sorted(state.rule for state in self.live())
