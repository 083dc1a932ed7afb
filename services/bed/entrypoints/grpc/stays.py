"""BedService: the view of a hospital's own system, by patient and encounter."""

from dataclasses import replace
from typing import Any

from services.bed.application.aggregates import Aggregates
from services.bed.application.encounters import Encounters
from services.bed.domain.commands import AdmitPatient, DischargePatient, TransferPatient
from services.bed.domain.state import Ward, bed_of_encounter
from services.bed.entrypoints.grpc.resources import ward_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, UseCase
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod, unary_methods
from tierlink.bed.v1 import bed_service_pb2 as pb

_CODECS: dict[type, MessageCodec[Any, Any]] = {
    AdmitPatient: MessageCodec(AdmitPatient, pb.AdmitPatientRequest),
    TransferPatient: MessageCodec(TransferPatient, pb.TransferPatientRequest),
    DischargePatient: MessageCodec(DischargePatient, pb.DischargePatientRequest),
}


class StayServicer:
    """AdmitPatient, TransferPatient, DischargePatient."""

    def __init__(self, *, kinds: Aggregates, runner: CommandRunner, encounters: Encounters) -> None:
        self._kinds = kinds
        self._runner = runner
        self._encounters = encounters

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return unary_methods(
            pb,
            {
                "AdmitPatient": self.admit,
                "TransferPatient": self.transfer,
                "DischargePatient": self.discharge,
            },
        )

    async def admit(self, request: pb.AdmitPatientRequest, call: Call) -> pb.AdmitPatientResponse:
        command: AdmitPatient = _read(AdmitPatient, request, call)
        reply = await self._run(self._encounters.admit(command), command.facility, request, call)
        return pb.AdmitPatientResponse(
            ward=ward_resource(reply.state), bed=_bed(reply.state, command.encounter)
        )

    async def transfer(self, request: pb.TransferPatientRequest, call: Call) -> pb.TransferPatientResponse:
        command: TransferPatient = _read(TransferPatient, request, call)
        reply = await self._run(self._encounters.transfer(command), command.facility, request, call)
        return pb.TransferPatientResponse(
            ward=ward_resource(reply.state), bed=_bed(reply.state, command.encounter)
        )

    async def discharge(self, request: pb.DischargePatientRequest, call: Call) -> pb.DischargePatientResponse:
        command: DischargePatient = _read(DischargePatient, request, call)
        reply = await self._run(self._encounters.discharge(command), command.facility, request, call)
        return pb.DischargePatientResponse(ward=ward_resource(reply.state))

    async def _run(self, use_case: UseCase[Ward], facility: str, request: Any, call: Call) -> Reply[Ward]:
        return await self._runner.run(
            use_case,
            command_context(request, call),
            kind=self._kinds.ward,
            # Admissions at one facility wait for each other here rather than collide over its last bed.
            target=f"facility/{facility}/stays",
            digest=request_digest(request, call),
        )


def _read(command_type: type, request: Any, call: Call) -> Any:
    """The command, at the caller's facility where it names none. Raises InvalidInput when neither says
    which."""
    command = _CODECS[command_type].from_message(request)
    facility = command.facility or call.actor.facility
    if not facility:
        raise InvalidInput(
            FieldViolation(
                field="facility", reason="REQUIRED", description="is needed when your credentials name none"
            )
        )
    return replace(command, facility=facility)


def _bed(ward: Ward, encounter: str) -> str:
    bed = bed_of_encounter(ward, encounter)
    return bed.id if bed is not None else ""
