"""Who would be called for an event, before it happens or before it is sent."""

from dataclasses import dataclass, replace
from functools import partial

from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk
from services.notification.application.copies import KnownDirectory, Subjects
from services.notification.application.plan_deliveries import BoardIsLive
from services.notification.application.reach import Reach
from services.notification.domain.commands import TriggerAlert
from services.notification.domain.communities import sees
from services.notification.domain.directory import Directory
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.preview import PreviewedAlert, previewed
from services.notification.domain.reach import RecipientReach, reach_of
from services.notification.domain.roster import Roster, roster_name
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.subject_state import SubjectState
from services.notification.domain.supposition import Supposition, rules_of, supposed
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound

_SUBJECT_FACILITIES = (
    *("origin_facility", "destination_facility", "asking_facility", "requesting_facility"),
    *("centre_facility", "facility"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What an event would do."""

    alerts: tuple[PreviewedAlert, ...]
    #: names of the open alerts that would be triggered again, by dedup key
    open_alerts: dict[str, str]
    #: rules whose alerts the event makes moot
    settled_rules: tuple[str, ...]


class RecipientPreview:
    """Asks the rules and rosters as the service itself does. Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        store: EventStore,
        runner: CommandRunner,
        kinds: Aggregates,
        catalogue: RuleCatalogue,
        directory: KnownDirectory,
        subjects: Subjects,
        boards: BoardDesk,
        reach: Reach,
        board_is_live: BoardIsLive,
    ) -> None:
        """`board_is_live` is as planning asks it: what is foretold is what will be."""
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._catalogue = catalogue
        self._directory = directory
        self._subjects = subjects
        self._boards = boards
        self._reach = reach
        self._board_is_live = board_is_live

    async def subject(self, name: str, facility: str, actor: Actor) -> SubjectState:
        """What is known of a real case. Raises NotFound when the facility takes no part in it."""
        known = await self._subjects.load(name)
        if known is None:
            raise NotFound("Subject", name)
        parties = {getattr(known, field) for field in _SUBJECT_FACILITIES}
        parties |= {offer.facility for offer in known.open_offers}
        if facility not in parties and not actor.has_role(Role.OPERATOR):
            raise NotFound("Subject", name)
        return known

    def check_facility(self, facility: str, actor: Actor) -> None:
        """Raises NotFound for a facility whose people the actor is not to be told of."""
        directory = self._directory.current()
        if facility not in directory.facilities or not may_preview(facility, actor, directory):
            raise NotFound("Facility", facility)

    async def preview(self, supposition: Supposition, actor: Actor) -> Preview:
        """Raises InvalidInput for an event that no rule knows."""
        directory = self._directory.current()
        settled = self._settled_rules(supposition)
        rules = rules_of(supposition.event, supposition.subject, self._catalogue)
        if not rules and not settled:
            raise InvalidInput(
                FieldViolation(
                    field="event",
                    reason="UNKNOWN_EVENT",
                    description="triggers and settles no alert of this subject",
                )
            )
        found: list[PreviewedAlert] = []
        for rule in rules:
            for intent, assumptions in supposed(rule, supposition, self._catalogue, directory):
                if not may_preview(intent.facility, actor, directory):
                    continue
                rosters = await self._rosters(intent.facility, directory)
                ask = partial(
                    previewed,
                    intent,
                    assumptions,
                    catalogue=self._catalogue,
                    directory=directory,
                    rosters=rosters,
                    at=supposition.at,
                )
                alerts = ask()
                reached = await self._boards.reached_without(alerts[0].alert)
                found.extend(alerts if reached is None else ask(reached=reached))
        found = [replace(each, reaches=await self._reaches(each.alert)) for each in found]
        keys = [each.alert.dedup_key for each in found] if supposition.subject else []
        return Preview(alerts=tuple(found), open_alerts=await self._open(keys), settled_rules=settled)

    async def _reaches(self, alert: TriggerAlert) -> tuple[RecipientReach, ...]:
        found: list[RecipientReach] = []
        for number, step in enumerate(alert.escalation):
            for person in step.recipients:
                facility = person.facility or step.facility
                found.append(
                    reach_of(
                        person,
                        number,
                        await self._reach.ways(person, alert.severity),
                        board_is_live=bool(facility) and self._board_is_live(facility, alert.role),
                    )
                )
        return tuple(found)

    def _settled_rules(self, supposition: Supposition) -> tuple[str, ...]:
        def settles(kind: str) -> bool:
            return supposition.event in self._catalogue.settle_all.get(kind, ())

        return tuple(
            rule.code
            for rule in self._catalogue.rules
            if (supposition.subject is None or supposition.subject.kind == rule.aggregate)
            and (
                settles(rule.aggregate)
                or any(settled_by.event == supposition.event for settled_by in rule.settled_by)
            )
        )

    async def _rosters(self, facility: str, directory: Directory) -> Rosters:
        async def roster(of: str) -> Roster | None:
            return (await self._runner.read(self._kinds.roster, roster_name(of))).state if of else None

        return Rosters(own=await roster(facility), lead=await roster(directory.community_lead(facility)))

    async def _open(self, keys: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key in dict.fromkeys(keys):
            contains: dict[str, object] = {"dedup_key": key, "live": True}
            query = StreamQuery(kind=self._kinds.alert.name, contains=contains, limit=1)
            for stream in (await self._store.find(query)).streams:
                found[key] = stream.stream_id
        return found


def may_preview(facility: str, actor: Actor, directory: Directory) -> bool:
    """Whether the actor may hear who is on duty: operators, its own people, its community's coordinators."""
    return sees(actor, facility, directory)
