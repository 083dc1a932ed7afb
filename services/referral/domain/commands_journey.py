"""Commands of the journey: transport, departure, diversion, another time of arrival, arrival, no-show."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.domain.referral_values import HandoverDocument, Transport
from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrangeTransport:
    transport: Transport
    emergency_room_bypass: bool = False
    estimated_arrival_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DepartPatient:
    handover_document: HandoverDocument
    emergency_room_bypass: bool = False
    estimated_arrival_time: datetime | None = None
    insurance_filing_number: str = ""
    #: needed when transport was not arranged before
    transport: Transport | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DivertPatient:
    destination_facility: str
    reason: CodedReason
    estimated_arrival_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateArrivalEstimate:
    """The patient is expected at another time: traffic, weather, a later departure."""

    estimated_arrival_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportArrival:
    #: pseudonym of the patient who arrived
    patient: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportNoShow:
    pass
