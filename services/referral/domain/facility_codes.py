"""The code by which WS 218 knows a facility, as the directory has it."""

from dataclasses import replace

from services.referral.domain.directory_entries import IdentifierScheme
from services.referral.domain.directory_state import Facility
from services.referral.domain.record_values import Coding, TransferRecord

FACILITY_SYSTEM = "WS 218"
_VERSION = "2002"


def ws218_code(facility: Facility) -> str:
    """Empty when the directory has none."""
    for identifier in facility.identifiers:
        if identifier.scheme is IdentifierScheme.WS218:
            return identifier.value
    return ""


def with_origin_code(record: TransferRecord | None, origin: Facility | None) -> TransferRecord | None:
    """The record with the origin's code from the directory where it was left out."""
    code = "" if origin is None else ws218_code(origin)
    if origin is None or not code or (record is not None and record.origin_facility_code is not None):
        return record
    coding = Coding(system=FACILITY_SYSTEM, version=_VERSION, code=code, display=origin.name.zh)
    return replace(record or TransferRecord(), origin_facility_code=coding)
