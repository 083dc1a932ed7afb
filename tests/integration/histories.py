"""An episode's referrals in a running service, and a chart of each beside it that decides the same.

What the service says after a step is compared with what the pure core says; the state of neither is given to
the other, but for a referral that follows a consultation, which the service alone fills in.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import grpc

from services.referral.domain import commands as c
from services.referral.domain.referral import child_needed, deadlines, is_live, opened_child
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.ids import derive_id, resource_name
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from services.shared.protocodec import MessageCodec
from tests.integration.beside import Beside, directory, timeless
from tests.integration.hospital import BRANCH, Hospital, new_id
from tests.integration.messaging import until
from tests.integration.referral_site import Site
from tests.integration.ward_news import WardBeside
from tests.unit.referral.machine.invariants import check_episode, check_referral
from tests.unit.referral.machine.witness import Witness
from tests.unit.referral.referral.chart import names
from tests.unit.referral.referral.network import SYSTEM
from tierlink.referral.v1 import episode_service_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

CODES: tuple[tuple[type[Refused], grpc.StatusCode], ...] = (
    (NotAllowed, grpc.StatusCode.FAILED_PRECONDITION),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (NotPermitted, grpc.StatusCode.PERMISSION_DENIED),
    (InvalidInput, grpc.StatusCode.INVALID_ARGUMENT),
)
#: Above any version that a short history reaches.
_ANOTHER_SETTING = 1_000_000


@dataclass
class Histories:
    """The referrals of one episode, in the order in which they came to be."""

    site: Site
    ward: WardBeside
    patient: str
    charts: list[Beside] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    #: consultations of the episode
    consultations: list[str] = field(default_factory=list)
    #: what came of the steps, by name
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def episode(self) -> str:
        return self.charts[0].referral.episode if self.charts else ""

    async def create(self, command: c.CreateReferral, actor: Actor) -> bool:
        """In the episode that there is; while one referral of it is live, nobody can."""
        request = new_id()
        chart = Beside(name=resource_name("referrals", request), directory=directory(), request=request)
        chart.episode_patient = self.patient if self.charts else None
        live = self._live()
        command = replace(command, patient=self.patient, episode=self.episode)
        if not await self._given(chart, command, actor):
            self.seen["second refused"] += bool(live)
            return False
        assert not live, "a second live referral"
        self.seen["second created"] += len(self.charts) > 1
        return True

    async def follow(self, consultation: str, actor: Actor) -> Beside:
        """The referral that a TRANSFER recommendation fills in: its caller says only whom it is about."""
        request = pb.CreateReferralRequest(
            request_id=new_id(),
            patient=self.patient,
            consultation=consultation,
            consent={"recorded": True, "given_by": "FAMILY"},  # type: ignore[arg-type]
        )
        metadata = _token(self.site.hospital, actor)
        reply = await self.site.hospital.referrals.CreateReferral(request, metadata=metadata)
        chart = Beside(name=reply.referral.name, directory=directory())
        chart.read(await self.site.payloads(chart.name))
        self.consultations.append(consultation)
        self._keep(chart, tuple(chart.events))
        await self.check(chart)
        self.seen["followed"] += 1
        return chart

    async def give(self, chart: Beside, command: c.Command, actor: Actor) -> int:
        """To the service and the chart; how many events came of it."""
        chart.request = new_id()
        return await self._given(chart, command, actor)

    async def deadline_is_due(self, chart: Beside, chance: Random) -> None:
        """One of the open deadlines, met by the service's worker, and then twice again.

        The rows that the worker looks at are those that the state says, whatever happened before. A worker
        that died after its commit leaves the row: whoever finds it does nothing, by the same request and by
        another.
        """
        statement = "SELECT key, kind, set_version FROM deadlines WHERE stream_id = $1"
        rows = {timeless(row["key"]): row for row in await self.site.fetch(statement, chart.name)}
        keys = {timeless(deadline.key): deadline.key for deadline in deadlines(chart.referral)}
        assert rows.keys() == keys.keys()
        if not rows:
            return
        chosen = chance.choice(sorted(rows))
        row = rows[chosen]
        chart.request = derive_id("deadline", chart.name, row["key"], str(row["set_version"]))
        due = "UPDATE deadlines SET due_at = now() WHERE stream_id = $1 AND key = $2"
        await self.site.execute(due, chart.name, row["key"])
        await self._followed(chart, c.MeetDeadline(key=keys[chosen]))
        for version in (row["set_version"], row["set_version"] + _ANOTHER_SETTING):
            await self._leave_behind(chart, row, version)
            await self.check(chart)
        self.seen["deadlines"] += 1

    async def _leave_behind(self, chart: Beside, row: Any, version: int) -> None:
        """The row of a deadline that was met, due; returns when the worker has taken it away again."""
        left = (
            "INSERT INTO deadlines (stream_id, key, kind, due_at, set_version) VALUES ($1, $2, $3, now(), $4)"
        )
        await self.site.execute(left, chart.name, row["key"], row["kind"], version)

        async def is_gone() -> bool:
            found = "SELECT FROM deadlines WHERE stream_id = $1 AND key = $2"
            return not await self.site.fetch(found, chart.name, row["key"])

        await until(is_gone)

    async def bed_is_followed(self, chart: Beside, chance: Random) -> None:
        """The bed service says something of this referral's bed, in time or out of it."""
        await self._followed(chart, await self.ward.say(chart.referral, chance))

    async def check(self, chart: Beside) -> None:
        """What the service says of a referral and its episode is what the charts say; both are sound."""
        hospital = self.site.hospital
        operator = hospital.as_("", Role.OPERATOR)
        answer = await hospital.referrals.GetReferral(
            pb.GetReferralRequest(name=chart.name), metadata=operator
        )
        chart.compare(answer.referral)
        timeline = await hospital.referrals.GetTimeline(
            pb.GetTimelineRequest(name=chart.name), metadata=operator
        )
        assert [entry.metadata.type for entry in timeline.entries] == names(chart.events)
        assert [entry.metadata.version for entry in timeline.entries] == [*range(1, len(chart.events) + 1)]
        check_referral(chart, self.witnesses[chart.name], chart.policy)
        check_episode(each.referral for each in self.charts)
        await self._check_members()

    async def _check_members(self) -> None:
        """The episode has each of its referrals and consultations, once, and nothing else."""
        found = await self.site.hospital.episodes.GetEpisode(
            episode_service_pb2.GetEpisodeRequest(name=self.episode),
            metadata=self.site.hospital.as_("", Role.OPERATOR),
        )
        members = [chart.name for chart in self.charts] + self.consultations
        assert sorted(found.episode.members) == sorted(members)
        assert sorted(each.name for each in found.referrals) == sorted(chart.name for chart in self.charts)
        assert found.episode.patient == self.patient

    async def verify(self) -> None:
        """Every chain is whole, and has what the chart has."""
        operator = self.site.hospital.as_("", Role.OPERATOR)
        for chart in self.charts:
            request = pb.VerifyTimelineRequest(name=chart.name)
            verified = await self.site.hospital.referrals.VerifyTimeline(request, metadata=operator)
            assert verified.intact and verified.events_count == len(chart.events)

    def _live(self) -> tuple[str, ...]:
        return tuple(chart.name for chart in self.charts if is_live(chart.referral))

    def _facts(self, chart: Beside, command: c.Command) -> None:
        chart.now, chart.live = datetime.now(UTC), self._live()
        if chart.state is not None:
            needed = child_needed(chart.state, command)
            chart.child = next((each.state for each in self.charts if each.name == needed), None)

    async def _given(self, chart: Beside, command: c.Command, actor: Actor) -> int:
        actor = _person(actor)
        self._facts(chart, command)
        expected: grpc.StatusCode | None = None
        found: tuple[Any, ...] = ()
        try:
            found = chart.when(command, actor)
        except Refused as refusal:
            expected = next(code for kind, code in CODES if isinstance(refusal, kind))
        try:
            await self._call(chart, command, actor)
        except grpc.aio.AioRpcError as error:
            assert error.code() is expected, f"{type(command).__name__}: {error.details()}"
        else:
            assert expected is None, f"{type(command).__name__} was not refused by the service: {expected}"
        await self._hear(chart, found, actor)
        return len(found)

    async def _followed(self, chart: Beside, command: c.Command) -> None:
        """What the chart makes of a command of the system, once the service has made the same of it."""
        self._facts(chart, command)
        found = chart.when(command, SYSTEM)

        async def as_far() -> bool:
            request = pb.GetReferralRequest(name=chart.name)
            operator = self.site.hospital.as_("", Role.OPERATOR)
            answer = await self.site.hospital.referrals.GetReferral(request, metadata=operator)
            return bool(answer.referral.version >= chart.referral.version)

        await until(as_far)
        await self._hear(chart, found, SYSTEM)

    async def _hear(self, chart: Beside, found: tuple[Any, ...], actor: Actor) -> None:
        """The witness hears it, what it opens is opened beside, and all that there is now is checked."""
        if chart.state is None:
            return
        if chart.name in self.witnesses:
            for event in found:
                self.witnesses[chart.name].hears(event)
        else:
            self._keep(chart, found)
        for event in found:
            await self._open_child(chart, event, actor)
        await self.check(chart)

    async def _open_child(self, parent: Beside, event: Any, actor: Actor) -> None:
        context = parent.context(actor)
        metadata = EventMetadata(
            event_id="",
            aggregate_id=parent.name,
            version=parent.referral.version,
            type=type(event).__name__,
            occurred_at=context.occurred_at,
            recorded_at=context.recorded_at,
            actor=actor,
            request_id=context.request_id,
        )
        opened = opened_child(parent.referral, event, metadata, parent.directory, parent.policy)
        if opened is None:
            return
        child = Beside(name=opened[0], directory=parent.directory, request=parent.request, now=parent.now)
        child.take([opened[1]], context)
        self._keep(child, (opened[1],))
        self.seen["opened"] += 1
        await self.check(child)

    def _keep(self, chart: Beside, found: tuple[Any, ...]) -> None:
        self.charts.append(chart)
        self.witnesses[chart.name] = Witness()
        for event in found:
            self.witnesses[chart.name].hears(event)

    async def _call(self, chart: Beside, command: c.Command, actor: Actor) -> None:
        name = type(command).__name__
        codec: MessageCodec[Any, Any] = MessageCodec(type(command), getattr(pb, f"{name}Request"))
        request = codec.to_message(command)
        request.request_id = chart.request
        if not isinstance(command, c.CreateReferral):
            request.name = chart.name
        hospital = self.site.hospital
        await getattr(hospital.referrals, name)(request, metadata=_token(hospital, actor))


def _person(actor: Actor) -> Actor:
    """Who the token of `Hospital.as_` speaks for; without a facility nobody gets one."""
    facility = actor.facility or BRANCH
    return Actor(user=f"dr-{facility}", name=f"Dr {facility}", facility=facility, roles=actor.roles)


def _token(hospital: Hospital, actor: Actor) -> Any:
    return hospital.as_(actor.facility, *actor.roles)
