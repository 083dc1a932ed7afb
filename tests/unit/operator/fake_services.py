"""A small platform in one server: enough of each service to play a case against, with faults on demand.

It keeps no rules of medicine. What it holds to is what a client relies on: request ids, retries, streams with
resume tokens, hash chains.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from services.operator.rpc.methods import rpc_methods
from services.shared.kernel.hash_chain import genesis, link
from services.shared.rpc.channels import Addresses
from tierlink.audit.v1 import audit_service_pb2
from tierlink.bed.v1 import bed_service_pb2
from tierlink.notification.v1 import alert_pb2, alert_service_pb2, roster_service_pb2
from tierlink.referral.v1 import (
    directory_service_pb2,
    episode_events_pb2,
    episode_pb2,
    episode_service_pb2,
    referral_service_pb2,
    timeline_pb2,
)


class FakeServices:
    """One episode store, one alert store, served for all three services on one port."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Message]] = []
        #: answers UNAVAILABLE so often, by RPC name
        self.failing: dict[str, int] = {}
        #: takes the next call to heart and then breaks the connection's answer, by RPC name
        self.losing_answers: dict[str, int] = {}
        #: refuses with a status, by RPC name
        self.refusing: dict[str, tuple[grpc.StatusCode, str]] = {}
        self.episodes: dict[str, episode_pb2.Episode] = {}
        self.entries: list[timeline_pb2.TimelineEntry] = []
        self.alerts: list[alert_pb2.Alert] = []
        self.alert_subject = ""
        self.replies: dict[str, Message] = {}
        #: what the audit of each service finds
        self.findings: list[audit_service_pb2.Finding] = []
        #: which calls of ApplyRoster find a facility that is not known yet, counted from 1
        self.facility_unknown_at: frozenset[int] = frozenset()
        self.streams_cut = 0
        self.repeat_alerts = False
        self.resume_tokens: list[str] = []
        #: set when the stream was opened a third time
        self.resumed_again = asyncio.Event()
        self._changed = asyncio.Event()
        self._handlers: dict[str, Callable[[Any], Message]] = {
            "OpenEpisode": self._open_episode,
            "RecordMilestone": self._record_milestone,
            "CloseEpisode": self._close_episode,
            "GetEpisode": self._get_episode,
            "GetTimeline": lambda request: referral_service_pb2.GetTimelineResponse(entries=self.entries),
            "ListAlerts": lambda request: alert_service_pb2.ListAlertsResponse(alerts=self.alerts),
            "AcknowledgeAlert": self._acknowledge,
            "ApplyDirectory": lambda request: directory_service_pb2.ApplyDirectoryResponse(added=["a"]),
            "ApplyWards": lambda request: bed_service_pb2.ApplyWardsResponse(added=["b"]),
            "ApplyRoster": lambda request: roster_service_pb2.ApplyRosterResponse(added=1),
        }

    def named(self, name: str) -> list[Any]:
        """The requests of one RPC, in order."""
        return [request for called, request in self.calls if called == name]

    # ---- what the RPCs do

    def _append(self, name: str, kind: str, event: str, request: Any) -> None:
        chain = [entry for entry in self.entries if entry.metadata.aggregate_id == name]
        previous = chain[-1].hash if chain else genesis(kind, name)
        entry = timeline_pb2.TimelineEntry(aggregate_kind=kind, facility="branch", facility_level=2)
        entry.metadata.event_id = str(uuid4())
        entry.metadata.aggregate_id = name
        entry.metadata.version = len(chain) + 1
        entry.metadata.type = event
        entry.metadata.occurred_at.CopyFrom(request.occurred_at)
        entry.metadata.recorded_at.GetCurrentTime()
        entry.metadata.actor.user = "physician"
        entry.text.zh, entry.text.en = "事件", event
        stored = episode_events_pb2.EpisodeEvent(metadata=entry.metadata)
        if event == "MilestoneRecorded":
            stored.milestone_recorded.milestone.kind = request.kind
        entry.payload = stored.SerializeToString()
        entry.previous_hash = previous
        entry.hash = link(previous, entry.payload)
        self.entries.append(entry)
        if name in self.episodes:
            self.episodes[name].version = len(chain) + 1

    def _open_episode(self, request: Any) -> Message:
        episode = episode_pb2.Episode(name=f"episodes/{uuid4()}", patient=request.patient, state=1)
        self.episodes[episode.name] = episode
        self._append(episode.name, "episode", "EpisodeOpened", request)
        self.raise_alert(episode.name, request)
        return episode_service_pb2.OpenEpisodeResponse(episode=episode)

    def _record_milestone(self, request: Any) -> Message:
        episode = self.episodes[request.name]
        milestone = episode.milestones.add(kind=request.kind, facility="branch")
        milestone.occurred_at.CopyFrom(request.occurred_at)
        self._append(request.name, "episode", "MilestoneRecorded", request)
        if len(episode.milestones) == 2:
            self._stop_clock(episode)
        return episode_service_pb2.RecordMilestoneResponse(episode=episode)

    def _stop_clock(self, episode: episode_pb2.Episode) -> None:
        start, stop = (milestone.occurred_at for milestone in episode.milestones)
        clock = episode.clocks.add(key="door-to-needle", facility="branch", target_s=3600, status=2)
        clock.started_at.CopyFrom(start)
        clock.stopped_at.CopyFrom(stop)
        clock.elapsed_s = stop.seconds - start.seconds
        clock.target_source_text.zh, clock.target_source_text.en = "来源", "a source"
        clock.target_confidence = "B"

    def _close_episode(self, request: Any) -> Message:
        self.episodes[request.name].state = 2
        self._append(request.name, "episode", "EpisodeClosed", request)
        for alert in self.alerts:
            alert.state = 3
            alert.version += 1
        return episode_service_pb2.CloseEpisodeResponse(episode=self.episodes[request.name])

    def _get_episode(self, request: Any) -> Message:
        return episode_service_pb2.GetEpisodeResponse(episode=self.episodes[request.name])

    def raise_alert(self, subject: str, request: Any) -> None:
        alert = alert_pb2.Alert(
            name=f"alerts/{uuid4()}", version=1, state=1, rule="ARRIVED", facility="branch", subject=subject
        )
        alert.occurred_at.CopyFrom(request.occurred_at)
        alert.title.zh, alert.title.en = "到达", "Arrived"
        self.alerts.append(alert)
        self._changed.set()

    def _acknowledge(self, request: Any) -> Message:
        (alert,) = (alert for alert in self.alerts if alert.name == request.name)
        alert.state = 2
        alert.version += 1
        alert.acknowledged_by.user = "physician"
        alert.acknowledge_time.CopyFrom(request.occurred_at)
        self._changed.set()
        return alert_service_pb2.AcknowledgeAlertResponse(alert=alert)

    # ---- serving

    async def unary(self, name: str, request: Any, context: Any) -> Message:
        self.calls.append((name, request))
        if self.failing.get(name, 0) > 0:
            self.failing[name] -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        if name in self.refusing:
            code, text = self.refusing[name]
            status = status_pb2.Status(code=code.value[0], message=text)
            detail = status.details.add()
            violation = error_details_pb2.PreconditionFailure.Violation(type="RULE", description=text)
            detail.Pack(error_details_pb2.PreconditionFailure(violations=[violation]))
            trailers = (("grpc-status-details-bin", status.SerializeToString()),)
            await context.abort(code, text, trailers)
        if name == "ApplyRoster" and len(self.named(name)) in self.facility_unknown_at:
            await self._refuse_field(context, "facility")
        request_id = getattr(request, "request_id", "")
        reply = self.replies.get(request_id) if request_id else None
        if reply is None:
            reply = self._handlers[name](request)
            self.replies[request_id] = reply
        if self.losing_answers.get(name, 0) > 0:
            self.losing_answers[name] -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")
        return reply

    async def _refuse_field(self, context: Any, field: str) -> None:
        code = grpc.StatusCode.INVALID_ARGUMENT
        status = status_pb2.Status(code=code.value[0], message=field)
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=field, description="is not known")
        status.details.add().Pack(bad)
        await context.abort(code, field, (("grpc-status-details-bin", status.SerializeToString()),))

    async def watch_alerts(self, request: Any, context: Any) -> AsyncIterator[Message]:
        self.resume_tokens.append(request.resume_token)
        if len(self.resume_tokens) == 4:
            # Who comes back again has read what the stream before had sent twice.
            self.resumed_again.set()
        sent = int(request.resume_token or 0)
        while True:
            self._changed.clear()
            for alert in self.alerts[0 if self.repeat_alerts else sent :]:
                sent += 1
                yield alert_service_pb2.WatchAlertsResponse(alert=alert, resume_token=str(sent))
            if self.streams_cut > 0:
                self.streams_cut -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "cut")
            await self._changed.wait()

    async def verify_chains(self, request: Any, context: Any) -> AsyncIterator[Message]:
        known = {entry.metadata.aggregate_id for entry in self.entries}
        if request.aggregate_id and request.aggregate_id not in known:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such aggregate")
        counts = {"aggregates_count": len(known), "events_count": len(self.entries)}
        if self.findings:
            yield audit_service_pb2.VerifyChainsResponse(**counts, findings=self.findings)
        yield audit_service_pb2.VerifyChainsResponse(
            **counts, complete=True, findings_count=len(self.findings)
        )


class _Dispatch(grpc.GenericRpcHandler):
    def __init__(self, services: FakeServices) -> None:
        self._services = services

    def service(self, handler_call_details: Any) -> Any:
        name = handler_call_details.method.rsplit("/", 1)[1]
        if name == "VerifyChains":
            return grpc.unary_stream_rpc_method_handler(
                self._services.verify_chains,
                request_deserializer=audit_service_pb2.VerifyChainsRequest.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
        method = rpc_methods()[name]
        if method.is_stream:
            return grpc.unary_stream_rpc_method_handler(
                self._services.watch_alerts,
                request_deserializer=method.request_type.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )

        async def answer(request: Any, context: Any) -> Message:
            return await self._services.unary(name, request, context)

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=method.request_type.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )


@asynccontextmanager
async def serving(services: FakeServices) -> AsyncIterator[Addresses]:
    """Serves it for the time of the block."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Dispatch(services),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    address = f"127.0.0.1:{port}"
    try:
        yield Addresses(referral=address, bed=address, notification=address)
    finally:
        await server.stop(None)
