"""Consultations over time: deadlines that fall due, and watch streams that come back."""

import asyncio
from pathlib import Path
from typing import Any

import grpc

from tests.integration.hospital import BRANCH, COUNTY, Hospital, new_id, referral_service
from tests.integration.test_consultation_contract import REPORT, ask
from tests.stack import CreateDatabase, SharedStack
from tierlink.referral.v1 import consultation_pb2
from tierlink.referral.v1 import consultation_service_pb2 as pb

BOUND_S = 60.0

#: A site in a hurry: everything falls due in a second or two.
HURRY = """
sources:
  test: {zh: 测试, en: test}
limits:
  - {key: remote-ecg, label: {zh: 心电, en: ECG}, limit_s: 2, source: test, confidence: C}
  - {key: consultation-claim, label: {zh: 接单, en: claim}, limit_s: 1, source: test, confidence: C}
  - {key: critical-value-acknowledged, label: {zh: 危急值, en: call}, limit_s: 1, source: test, confidence: C}
consultation:
  result_due_by_kind: {ECG: remote-ecg}
"""


async def give(hospital: Hospital, rpc: str, name: str, facility: str, **fields: Any) -> Any:
    request = getattr(pb, f"{rpc}Request")(request_id=new_id(), name=name, **fields)
    reply = await getattr(hospital.consultations, rpc)(request, metadata=hospital.as_(facility))
    return reply.consultation


async def until(hospital: Hospital, name: str, holds: Any) -> Any:
    async with asyncio.timeout(BOUND_S):
        while True:
            request = pb.GetConsultationRequest(name=name)
            reply = await hospital.consultations.GetConsultation(request, metadata=hospital.as_(COUNTY))
            if holds(reply.consultation):
                return reply.consultation
            await asyncio.sleep(0.1)


async def test_claims_results_and_critical_values_fall_due_once(
    database: CreateDatabase, tmp_path: Path
) -> None:
    targets = tmp_path / "targets.yaml"
    targets.write_text(HURRY, encoding="utf-8")
    settings = {"TIERLINK_REFERRAL_TARGETS": str(targets)}
    async with referral_service(
        tmp_path, dsn=await database(), parts="grpc,deadlines", settings=settings
    ) as (hospital, _):
        asked = await ask(hospital)
        await give(hospital, "ClaimConsultation", asked.name, COUNTY)
        fallen = await until(
            hospital,
            asked.name,
            lambda found: found.overdue and found.state == consultation_pb2.CONSULTATION_STATE_REQUESTED,
        )
        # Requested, claimed, released, overdue: each once.
        assert fallen.version == 4
        late = pb.ListConsultationsRequest(overdue=True)
        page = await hospital.consultations.ListConsultations(late, metadata=hospital.as_(BRANCH))
        assert [each.name for each in page.consultations] == [asked.name]

        # Nobody else has claimed: the reading that outlasted its claim is not lost.
        assert fallen.lapsed_claimer.facility == COUNTY
        assert "ReportConsultation" in fallen.allowed_commands
        report = REPORT | {"critical_values": [{"item": "血钾", "value": "2.1", "unit": "mmol/L"}]}
        await give(hospital, "ReportConsultation", asked.name, COUNTY, report=report)
        unanswered = await until(hospital, asked.name, lambda found: found.critical_value_notice.overdue)
        assert unanswered.version == 6
        assert unanswered.claimed_by == fallen.lapsed_claimer
        done = await give(hospital, "AcknowledgeCriticalValue", asked.name, BRANCH, handling="补钾")
        assert done.critical_value_notice.acknowledged
        assert done.critical_value_notice.overdue


class Watcher:
    """One client's stream, and what it was sent."""

    def __init__(self, hospital: Hospital, token: str = "") -> None:
        self._call = hospital.consultations.WatchConsultations(
            pb.WatchConsultationsRequest(resume_token=token), metadata=hospital.as_(BRANCH)
        )
        self.token = token
        self.sent: list[tuple[str, int, str]] = []

    async def __aenter__(self) -> "Watcher":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._call.cancel()

    async def until(self, count: int) -> None:
        """Reads until so many changes were sent, and a token came."""
        async with asyncio.timeout(BOUND_S):
            while len(self.sent) < count or not self.token:
                message: Any = await self._call.read()
                assert message is not grpc.aio.EOF
                self.token = message.resume_token or self.token
                if message.HasField("consultation"):
                    found = message.consultation
                    self.sent.append((found.name, found.version, message.event_type))


async def test_a_branch_that_reconnects_misses_nothing_and_is_sent_nothing_twice(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(
        tmp_path, dsn=await database(), kafka=stack.kafka_bootstrap, parts="grpc,relay"
    ) as (hospital, _):
        first, second = (await ask(hospital)).name, (await ask(hospital)).name
        async with Watcher(hospital) as watcher:
            await watcher.until(2)
            await give(hospital, "ClaimConsultation", first, COUNTY)
            await watcher.until(3)
        # While nobody watches: a report with a critical value, and another question.
        report = REPORT | {"critical_values": [{"item": "血钾", "value": "2.1"}]}
        await give(hospital, "ReportConsultation", first, COUNTY, report=report)
        missed = (await ask(hospital)).name
        async with Watcher(hospital, watcher.token) as back:
            await back.until(2)
            await give(hospital, "AcknowledgeCriticalValue", first, BRANCH)
            await back.until(3)
        assert {(name, version) for name, version, _ in watcher.sent[:2]} == {(first, 1), (second, 1)}
        assert watcher.sent[2:] == [(first, 2, "ConsultationClaimed")]
        assert sorted(back.sent[:2]) == sorted(
            [(first, 3, "ConsultationReported"), (missed, 1, "ConsultationRequested")]
        )
        assert back.sent[2:] == [(first, 4, "CriticalValueAcknowledged")]


async def test_who_left_before_anything_was_published_is_not_sent_again_what_the_picture_had(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(
        tmp_path / "without_relay", dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc"
    ) as (hospital, _):
        asked = (await ask(hospital)).name
        async with Watcher(hospital) as watcher:
            await watcher.until(1)
        assert watcher.sent == [(asked, 1, "")]
    async with referral_service(
        tmp_path / "with_relay", dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay"
    ) as (hospital, _):
        await give(hospital, "ClaimConsultation", asked, COUNTY)
        async with Watcher(hospital, watcher.token) as back:
            await back.until(1)
        assert back.sent == [(asked, 2, "ConsultationClaimed")]


async def test_a_new_watcher_begins_with_what_waits_also_for_an_acknowledgement(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    async with referral_service(
        tmp_path, dsn=await database(), kafka=stack.kafka_bootstrap, parts="grpc,relay"
    ) as (hospital, _):
        waiting, read, critical = [(await ask(hospital)).name for _ in range(3)]
        values = [{"item": "血钾", "value": "2.1"}]
        for name, found in ((read, []), (critical, values)):
            await give(hospital, "ClaimConsultation", name, COUNTY)
            report = REPORT | {"critical_values": found}
            await give(hospital, "ReportConsultation", name, COUNTY, report=report)
        async with Watcher(hospital) as watcher:
            await watcher.until(2)
        assert {name for name, _, _ in watcher.sent} == {waiting, critical}
