"""Who a patient is, through the running service: kept in clear nowhere, read by those who treat him alone."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from aiokafka import AIOKafkaConsumer

from services.operator.platform.errors import PlatformError
from services.shared.kernel.actor import Role
from tests.integration.hospital import (
    BRANCH,
    CITY,
    COUNTY,
    OTHER,
    Hospital,
    accept_request,
    new_id,
    referral_service,
)
from tests.integration.referral_site import refused
from tests.stack import CreateDatabase, SharedStack
from tests.unit.referral.identity.people import SECRETS, key_line
from tierlink.referral.v1 import referral_service_pb2 as pb

KEYS = "TIERLINK_REFERRAL_IDENTITY_KEYS"
DETAILS: dict[str, Any] = {
    "name": "某某",
    "birth_date": "1949-12-31",
    "health_card_number": "HC-77001",
    "document_type": "IDENTITY_DOCUMENT_RESIDENT_ID",
    "document_number": "11010519491231002X",
    "telephone": "13900000000",
    "address": "五彩湾镇某路1号",
    "insurance_number": "YB-5551",
    "guardian": {"name": "监护人甲", "relation": "子女", "telephone": "13800000001"},
}
BOUND_S = 60.0


def record_request(patient: str, **changes: Any) -> pb.RecordIdentityRequest:
    fields = {"request_id": new_id(), "patient": patient, "details": DETAILS}
    return pb.RecordIdentityRequest(**{**fields, **changes})


def get_request(patient: str) -> pb.GetIdentityRequest:
    return pb.GetIdentityRequest(patient=patient, reason={"code": "TREATMENT", "text": "收治"})


def traces_of(secrets: tuple[str, ...], content: str) -> list[str]:
    """Secrets that stand in a text, as they are or in hexadecimal."""
    return [each for each in secrets if each in content or each.encode().hex() in content]


async def every_row(dsn: str) -> dict[str, str]:
    """Everything that is in the database, by table; bytes in hexadecimal."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT t::text AS line FROM "{table}" t')
            found[table] = "\n".join(row["line"] for row in rows)
        return found
    finally:
        await connection.close()


async def every_record(bootstrap: str, referral: str) -> str:
    """Every record of every topic in hexadecimal, once the referral's events are among them, to the end."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        # The service may still be making its topics.
        metadata_max_age_ms=500,
    )
    await consumer.start()
    found: list[str] = []
    try:
        consumer.subscribe(pattern=r"^tierlink\..*")
        async with asyncio.timeout(BOUND_S):
            while not any(referral.encode().hex() in each for each in found) or await _goes_on(consumer):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        headers = [value for _, value in record.headers]
                        parts = [record.key or b"", record.value or b"", *headers]
                        found.extend(part.hex() for part in parts)
    finally:
        await consumer.stop()
    return "\n".join(found)


async def _goes_on(consumer: AIOKafkaConsumer) -> bool:
    """Whether a topic has more than was read."""
    assigned = list(consumer.assignment())
    ends = await consumer.end_offsets(assigned)
    return any([await consumer.position(each) < ends[each] for each in assigned])


async def test_no_identity_is_in_clear_in_any_table_record_or_log(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(key_line("k-1", 7))
    dsn = await database()
    settings = {KEYS: str(keys), "TIERLINK_LOG_LEVEL": "DEBUG"}
    async with referral_service(
        tmp_path / "service", dsn=dsn, kafka=stack.kafka_bootstrap, parts="grpc,relay", settings=settings
    ) as (hospital, process):
        patient = f"P-{new_id()[:8]}"
        referral = await hospital.create(patient=patient)
        recorded = await hospital.referrals.RecordIdentity(
            record_request(patient), metadata=hospital.as_(BRANCH)
        )
        assert (recorded.identity.version, recorded.identity.details.name) == (1, "某某")
        wrong = record_request(patient, details={**DETAILS, "birth_date": "1949-12-30"})
        found = await refused(
            hospital.referrals.RecordIdentity(wrong, metadata=hospital.as_(BRANCH)),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        assert [each.field for each in found["BadRequest"].field_violations] == ["details.birth_date"]
        assert not traces_of(SECRETS, str(found))
        await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
        read = await hospital.referrals.GetIdentity(get_request(patient), metadata=hospital.as_(COUNTY))
        assert read.identity == recorded.identity

        tables = await every_row(dsn)
        assert "k-1" in tables["patient_identities"]
        assert patient in tables["patient_identities"]
        assert "TREATMENT: 收治" in tables["views"]
        for table, content in tables.items():
            assert not traces_of(SECRETS, content), table
        records = await every_record(stack.kafka_bootstrap, referral.name)
        assert patient.encode().hex() in records
        assert not traces_of(SECRETS, records)
        log = process.log_path.read_text("utf-8")
        assert not traces_of(SECRETS, log)


async def test_who_reads_and_what_a_request_id_holds(database: CreateDatabase, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(key_line("k-1", 7))
    dsn = await database()
    async with referral_service(tmp_path / "service", dsn=dsn, settings={KEYS: str(keys)}) as (hospital, _):
        request = record_request("P-1")
        await _not_found(hospital, request, BRANCH)
        await hospital.create()
        first = await hospital.referrals.RecordIdentity(request, metadata=hospital.as_(BRANCH))
        again = await hospital.referrals.RecordIdentity(request, metadata=hospital.as_(BRANCH))
        assert again == first
        other = record_request("P-1", request_id=request.request_id, details={"name": "另一人"})
        found = await refused(
            hospital.referrals.RecordIdentity(other, metadata=hospital.as_(BRANCH)),
            grpc.StatusCode.ALREADY_EXISTS,
        )
        assert found["ErrorInfo"].reason == "REQUEST_ID_REUSED"
        stale = record_request("P-1", expected_version=0)
        await refused(
            hospital.referrals.RecordIdentity(stale, metadata=hospital.as_(BRANCH)), grpc.StatusCode.ABORTED
        )
        for reader in (hospital.as_(COUNTY), hospital.as_(COUNTY, Role.COORDINATOR)):
            assert (await hospital.referrals.GetIdentity(get_request("P-1"), metadata=reader)).identity
        for stranger in (
            hospital.as_(OTHER),
            hospital.as_(CITY),
            hospital.as_("", Role.OPERATOR),
            hospital.as_(COUNTY, Role.BED_DESK),
        ):
            await refused(
                hospital.referrals.GetIdentity(get_request("P-1"), metadata=stranger),
                grpc.StatusCode.NOT_FOUND,
            )
        unasked = pb.GetIdentityRequest(patient="P-1")
        await refused(
            hospital.referrals.GetIdentity(unasked, metadata=hospital.as_(COUNTY)),
            grpc.StatusCode.INVALID_ARGUMENT,
        )


async def test_who_only_names_a_patient_needs_a_number_from_the_document(
    database: CreateDatabase, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(key_line("k-1", 7))
    dsn = await database()
    async with referral_service(tmp_path / "service", dsn=dsn, settings={KEYS: str(keys)}) as (hospital, _):
        referrals, town = hospital.referrals, hospital.as_(OTHER)
        await hospital.create()
        await referrals.RecordIdentity(record_request("P-1"), metadata=hospital.as_(BRANCH))
        # Another branch names the same patient, in an episode of its own.
        await hospital.create(metadata=town)
        await refused(referrals.GetIdentity(get_request("P-1"), metadata=town), grpc.StatusCode.NOT_FOUND)
        guessed = record_request("P-1", details={"name": "某某", "birth_date": "1949-12-31"})
        await refused(referrals.RecordIdentity(guessed, metadata=town), grpc.StatusCode.NOT_FOUND)
        shown = get_request("P-1")
        shown.evidence.document_number = "110105194912310038"
        await refused(referrals.GetIdentity(shown, metadata=town), grpc.StatusCode.NOT_FOUND)
        shown.evidence.document_number = "11010519491231002x"
        assert (await referrals.GetIdentity(shown, metadata=town)).identity.details.name == "某某"
        # Without a referral of the patient the number opens nothing.
        await refused(referrals.GetIdentity(shown, metadata=hospital.as_(CITY)), grpc.StatusCode.NOT_FOUND)
    rows = (await every_row(dsn))["views"]
    for reason in ("RECORDED, version 1", "EVIDENCE_REFUSED", "TREATMENT: 收治 (EVIDENCE)"):
        assert reason in rows, reason


async def _not_found(hospital: Hospital, request: pb.RecordIdentityRequest, facility: str) -> None:
    await refused(
        hospital.referrals.RecordIdentity(request, metadata=hospital.as_(facility)), grpc.StatusCode.NOT_FOUND
    )


async def test_a_new_key_reads_what_an_old_one_wrote(database: CreateDatabase, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(key_line("k-1", 7))
    dsn = await database()
    request = record_request("P-1")
    async with referral_service(tmp_path / "1", dsn=dsn, settings={KEYS: str(keys)}) as (hospital, _):
        await hospital.create()
        await hospital.referrals.RecordIdentity(request, metadata=hospital.as_(BRANCH))
    keys.write_text(key_line("k-2", 8) + key_line("k-1", 7))
    async with referral_service(tmp_path / "2", dsn=dsn, settings={KEYS: str(keys)}) as (hospital, _):
        read = await hospital.referrals.GetIdentity(get_request("P-1"), metadata=hospital.as_(COUNTY))
        assert read.identity.details.telephone == "13900000000"
        newer = record_request("P-1", expected_version=1)
        await hospital.referrals.RecordIdentity(newer, metadata=hospital.as_(BRANCH))
        read = await hospital.referrals.GetIdentity(get_request("P-1"), metadata=hospital.as_(COUNTY))
        assert read.identity.version == 2
    rows = (await every_row(dsn))["patient_identities"].splitlines()
    assert ["k-1" in row for row in rows] == [True, False]


async def test_without_keys_everything_else_works(database: CreateDatabase, tmp_path: Path) -> None:
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        await hospital.create()
        for call in (
            hospital.referrals.RecordIdentity(record_request("P-1"), metadata=hospital.as_(BRANCH)),
            hospital.referrals.GetIdentity(get_request("P-1"), metadata=hospital.as_(BRANCH)),
        ):
            found = await refused(call, grpc.StatusCode.FAILED_PRECONDITION)
            (violation,) = found["PreconditionFailure"].violations
            assert violation.type == "IDENTITY_KEYS_MISSING"


async def test_a_malformed_key_refuses_the_start(database: CreateDatabase, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("k-1 c2hvcnRzZWNyZXQ=\n")
    with pytest.raises(PlatformError, match="line 1: must have 32 bytes") as caught:
        async with referral_service(tmp_path / "service", dsn=await database(), settings={KEYS: str(keys)}):
            pass
    assert "c2hvcnRzZWNyZXQ" not in str(caught.value)
