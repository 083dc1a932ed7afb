"""What a hospital's own system asks: admissions, transfers and discharges by patient and encounter.

They name a bed or leave it to us. Names and fields are those of the requests in `bed_service.proto`.
"""

from dataclasses import dataclass

from services.bed.domain.values import BedType, CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmitPatient:
    #: pseudonym
    patient: str
    #: the hospital system's id of the stay, unique at the facility
    encounter: str
    #: the caller's when left out
    facility: str = ""
    #: left to us when empty
    ward: str = ""
    #: left to us when empty
    bed: str = ""
    #: needed where neither a ward is named nor a bed is held for the patient
    bed_type: BedType | None = None
    #: M, F, or empty when it is not known
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: why a patient without a referral takes a bed that is reserved for referrals
    emergency_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferPatient:
    encounter: str
    #: the caller's when left out
    facility: str = ""
    #: left to us when empty
    to_ward: str = ""
    #: left to us when empty; without `to_ward` it is one of the present ward
    to_bed: str = ""
    #: type of the new bed, where its ward is left to us
    bed_type: BedType | None = None
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: why a patient without a referral takes another ward's bed that is reserved for referrals
    emergency_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DischargePatient:
    encounter: str
    #: the caller's when left out
    facility: str = ""
