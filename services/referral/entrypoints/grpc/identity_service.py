"""The RPCs of who patients are; part of `ReferralService`."""

from typing import Any

from services.referral.application.patient_identities import PatientIdentities
from services.referral.domain.identity_access import IdentityEvidence
from services.referral.domain.patient_identity import PatientIdentity, RecordIdentity
from services.referral.entrypoints.grpc.reading import reader_of
from services.shared.commands.command_method import command_context, request_digest
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.referral.v1 import patient_identity_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

_RECORD: MessageCodec[RecordIdentity, pb.RecordIdentityRequest] = MessageCodec(
    RecordIdentity, pb.RecordIdentityRequest
)
_EVIDENCE: MessageCodec[IdentityEvidence, pb.IdentityEvidence] = MessageCodec(
    IdentityEvidence, pb.IdentityEvidence
)
_IDENTITY: MessageCodec[PatientIdentity, patient_identity_pb2.PatientIdentity] = MessageCodec(
    PatientIdentity, patient_identity_pb2.PatientIdentity
)


class IdentityServicer:
    """Records and reads identities."""

    def __init__(self, identities: PatientIdentities) -> None:
        self._identities = identities

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="RecordIdentity",
                request_type=pb.RecordIdentityRequest,
                response_type=pb.RecordIdentityResponse,
                handler=self.record_identity,
            ),
            UnaryMethod(
                name="GetIdentity",
                request_type=pb.GetIdentityRequest,
                response_type=pb.GetIdentityResponse,
                handler=self.get_identity,
            ),
        )

    async def record_identity(
        self, request: pb.RecordIdentityRequest, call: Call
    ) -> pb.RecordIdentityResponse:
        recorded = await self._identities.record(
            _RECORD.from_message(request),
            command_context(request, call),
            request_digest(request, call),
            reader_of(call),
        )
        return pb.RecordIdentityResponse(identity=_IDENTITY.to_message(recorded))

    async def get_identity(self, request: pb.GetIdentityRequest, call: Call) -> pb.GetIdentityResponse:
        why = request.reason.code
        reason = f"{why}: {request.reason.text}" if request.reason.text else why
        evidence = _EVIDENCE.from_message(request.evidence) if request.HasField("evidence") else None
        found = await self._identities.read(request.patient, reader_of(call), reason, evidence)
        return pb.GetIdentityResponse(identity=_IDENTITY.to_message(found))
