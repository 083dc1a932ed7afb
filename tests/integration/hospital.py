"""A hospital's side of the tests: tokens, requests, and services in processes of their own."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.signing import SigningKey, generate_signing_key, sign_token, write_key_files
from tests.integration.one_group import alone_in_group
from tierlink.referral.v1 import (
    batch_service_pb2_grpc,
    consultation_service_pb2_grpc,
    directory_pb2,
    directory_service_pb2,
    directory_service_pb2_grpc,
    episode_service_pb2_grpc,
    referral_service_pb2_grpc,
)
from tierlink.referral.v1 import referral_service_pb2 as pb
from tierlink.type.v1 import type_pb2

BRANCH, COUNTY, CITY, OTHER = "wucaiwan", "jimsar-general", "changji-prefecture", "other-branch"
CENTRES = ["STROKE", "CHEST_PAIN", "ECG", "IMAGING", "LAB"]
LEVELS = {BRANCH: "TOWNSHIP", OTHER: "TOWNSHIP", COUNTY: "COUNTY", CITY: "CITY"}


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, kw_only=True)
class Hospital:
    """One client of the services, with a key that signs everybody's tokens."""

    key: SigningKey
    channel: grpc.aio.Channel

    def as_(self, facility: str, *roles: Role, user: str = "") -> tuple[tuple[str, str], ...]:
        """Call metadata of somebody at a facility; a clinician when no role is named."""
        actor = Actor(
            user=user or f"dr-{facility}",
            name=f"Dr {facility}",
            facility=facility,
            roles=roles or (Role.CLINICIAN,),
        )
        token = sign_token(self.key, actor, issued_at=datetime.now(UTC), lifetime_s=3600)
        return (("authorization", f"Bearer {token}"),)

    @property
    def referrals(self) -> Any:
        return referral_service_pb2_grpc.ReferralServiceStub(self.channel)

    @property
    def episodes(self) -> Any:
        return episode_service_pb2_grpc.EpisodeServiceStub(self.channel)

    @property
    def batches(self) -> Any:
        return batch_service_pb2_grpc.BatchServiceStub(self.channel)

    @property
    def consultations(self) -> Any:
        return consultation_service_pb2_grpc.ConsultationServiceStub(self.channel)

    async def apply_directory(self, *, city_region: str = "652327", further: Sequence[str] = ()) -> None:
        """A branch and a county hospital of one community, further branches in it, and a city hospital."""
        facilities = [
            directory_pb2.Facility(
                id=facility,
                name=type_pb2.BilingualText(zh=facility, en=facility),
                level=f"FACILITY_LEVEL_{level}",  # type: ignore[arg-type]
                community="" if facility == CITY else "jimsar-mc",
                region=city_region if facility == CITY else "652327",
                capabilities=CENTRES if facility in (COUNTY, CITY) else [],
                travel_minutes={} if facility == COUNTY else {COUNTY: 60},
            )
            for facility, level in {**LEVELS, **dict.fromkeys(further, "TOWNSHIP")}.items()
        ]
        community = directory_pb2.Community(
            id="jimsar-mc",
            name=type_pb2.BilingualText(zh="医共体", en="community"),
            county="652327",
            lead=COUNTY,
        )
        await directory_service_pb2_grpc.DirectoryServiceStub(self.channel).ApplyDirectory(
            directory_service_pb2.ApplyDirectoryRequest(
                request_id=new_id(), communities=[community], facilities=facilities
            ),
            metadata=self.as_("", Role.OPERATOR),
        )

    async def create(self, **changes: Any) -> Any:
        """A new stroke emergency from the branch to the county hospital, unless `changes` say otherwise."""
        metadata = changes.pop("metadata", None) or self.as_(BRANCH)
        reply = await self.referrals.CreateReferral(create_request(**changes), metadata=metadata)
        return reply.referral


def create_request(**changes: Any) -> pb.CreateReferralRequest:
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "patient": "P-1",
        "destinations": [COUNTY],
        "urgency": "URGENCY_EMERGENCY",
        "pathway": "PATHWAY_STROKE",
        "clinical_summary": {"diagnosis_name": "脑梗死", "referral_reason": "溶栓后转入卒中单元"},
        "consent": {"recorded": True, "given_by": "FAMILY"},
    }
    return pb.CreateReferralRequest(**{**fields, **changes})


def accept_request(name: str, **changes: Any) -> pb.AcceptReferralRequest:
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "name": name,
        "accepting_clinician": {"user": "dr-b", "name": "B"},
    }
    return pb.AcceptReferralRequest(**{**fields, **changes})


@contextlib.asynccontextmanager
async def referral_service(
    folder: Path,
    *,
    dsn: str,
    kafka: str = "127.0.0.1:1",
    parts: str = "grpc",
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Hospital, ServiceProcess]]:
    """The referral service in a process of its own, with the directory applied, and a client of it."""
    key = generate_signing_key()
    files = write_key_files(key, folder / "keys")
    process = ServiceProcess(
        "referral",
        folder=folder,
        environment={
            "TIERLINK_REFERRAL_DSN": dsn,
            "TIERLINK_KAFKA_BOOTSTRAP": kafka,
            "TIERLINK_JWKS": str(files.jwks),
            "TIERLINK_PARTS": parts,
            "TIERLINK_LOG_LEVEL": "WARNING",
            **(settings or {}),
        },
    )
    async with alone_in_group("referral", kafka, parts):
        process.start()
        try:
            async with grpc.aio.insecure_channel(process.ready.grpc) as channel:
                hospital = Hospital(key=key, channel=channel)
                await hospital.apply_directory()
                yield hospital, process
        finally:
            process.stop()


def details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The google.rpc details of a refusal by their message's name."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    found: dict[str, Any] = {}
    for packed in status.details if status is not None else ():
        name = packed.type_url.rpartition(".")[2]
        message = getattr(error_details_pb2, name)()
        packed.Unpack(message)
        found[name] = message
    return found
