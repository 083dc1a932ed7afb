"""A hospital system's stays: admitted, transferred, discharged, by patient and encounter.

What it sends again changes nothing: an encounter has at most one bed, by the database's constraint too, and
one that has ended does not begin again.
"""

from services.bed.application.aggregates import Aggregates
from services.bed.application.change_ward import transfer_between
from services.bed.application.ended_encounters import ward_of_ended
from services.bed.application.finding_wards import WardFinder
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain import bed_desk, transfers
from services.bed.domain.admission import admit_waiting, ward_to_admit_to
from services.bed.domain.commands import AdmitPatient, DischargePatient, TransferPatient
from services.bed.domain.permissions import ensure_permitted
from services.bed.domain.state import Ward, bed_of_encounter, bed_of_patient, stream_id
from services.bed.domain.texts import failed
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.refusals import NotAllowed, NotFound


class Encounters:
    """Use cases of the ADT view. Each answers with the ward that the patient is in, or left."""

    def __init__(
        self, store: EventStore, kinds: Aggregates, finder: WardFinder, recorder: WardRecorder
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._finder = finder
        self._recorder = recorder

    def admit(self, command: AdmitPatient) -> UseCase[Ward]:
        """Raises as `admission.ward_to_admit_to` and `ward.decide`; NotAllowed (ENCOUNTER_ENDED)."""

        async def use_case(work: Work) -> Reply[Ward]:
            ensure_permitted(command, work.context.actor, command.facility)
            if await ward_of_ended(self._store, command.facility, command.encounter) is not None:
                raise _ended(command)
            candidates = await self._finder.of_facility(work, command.facility, None)
            ward = ward_to_admit_to(candidates, command)
            name = stream_id(ward.id)
            await work.load_target(self._kinds.ward, name)
            if not await self._admit_waiting(work, ward, command):
                await self._recorder.decide(work, ward, command, name)
            return work.reply(self._kinds.ward, name)

        return use_case

    async def _admit_waiting(self, work: Work, ward: Ward, command: AdmitPatient) -> bool:
        """Whether it was for a referral that waits. Where the bed is left to us it waits on: no free one
        fits."""
        desk_name = bed_desk.stream_id(command.facility)
        desk = await work.load(self._kinds.desk, desk_name)
        waiting = desk.waiting if desk is not None else ()
        entry = next((entry for entry in waiting if entry.patient == command.patient), None)
        if entry is None or not command.bed or bed_of_patient(ward, command.patient) is not None:
            return False
        held, lying = admit_waiting(ward, entry, command, work.context)
        await self._recorder.record(work, ward, stream_id(ward.id), (held, lying))
        await work.record(self._kinds.desk, desk_name, (bed_desk.served(entry, held.hold),))
        return True

    def transfer(self, command: TransferPatient) -> UseCase[Ward]:
        """Raises as `transfers.as_transfer` and `ward.transfer`."""

        async def use_case(work: Work) -> Reply[Ward]:
            ensure_permitted(command, work.context.actor, command.facility)
            source = await self._ward_of(work, command.facility, command.encounter)
            if source is None:
                raise NotFound("Encounter", command.encounter)
            candidates = await self._finder.of_facility(work, command.facility, None)
            asked = transfers.as_transfer(source, candidates, command)
            name = stream_id(source.id)
            if asked is None:
                return work.reply(self._kinds.ward, name)
            target = stream_id(asked.to_ward)
            if target == name:
                await self._recorder.decide(work, source, asked, name)
            else:
                await transfer_between(work, self._kinds, asked, name)
            return work.reply(self._kinds.ward, target)

        return use_case

    def discharge(self, command: DischargePatient) -> UseCase[Ward]:
        """Nothing for an encounter that has ended. Raises NotPermitted, NotFound for one that is not
        known."""

        async def use_case(work: Work) -> Reply[Ward]:
            ensure_permitted(command, work.context.actor, command.facility)
            ward = await self._ward_of(work, command.facility, command.encounter)
            if ward is not None:
                await self._recorder.decide(work, ward, command, stream_id(ward.id))
                return work.reply(self._kinds.ward, stream_id(ward.id))
            ended_in = await ward_of_ended(self._store, command.facility, command.encounter)
            if ended_in is None or await work.load(self._kinds.ward, ended_in) is None:
                raise NotFound("Encounter", command.encounter)
            return work.reply(self._kinds.ward, ended_in)

        return use_case

    async def _ward_of(self, work: Work, facility: str, encounter: str) -> Ward | None:
        name = await self._finder.name_of_encounter(facility, encounter)
        if name is None:
            return None
        ward: Ward | None = await work.load_target(self._kinds.ward, name)
        return ward if ward is not None and bed_of_encounter(ward, encounter) is not None else None


def _ended(command: AdmitPatient) -> NotAllowed:
    return NotAllowed(
        state="ENDED",
        allowed_commands=(),
        failed_rules=(failed("ENCOUNTER_ENDED"),),
        resource_name=f"encounters/{command.encounter}",
    )
