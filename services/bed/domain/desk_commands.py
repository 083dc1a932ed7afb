"""What may be asked of a facility's bed desk: its waiting list."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from services.bed.domain.commands import AdjustHold, GiveUpHold, HoldBed, MarkInTransit, OccupyOnArrival
from services.bed.domain.values import BedType, CodedReason, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinWaitingList:
    """Lets a referral wait for a bed; what is said anew of one who waits replaces what was said before."""

    facility: str
    referral: str
    #: pseudonym
    patient: str
    bed_type: BedType
    urgency: Urgency
    #: M, F, or empty when it is not known
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: until when the bed is wanted once it is got
    hold_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveWaitingList:
    facility: str
    referral: str
    reason: CodedReason


#: given by people through the API
DeskRequest = JoinWaitingList | LeaveWaitingList
#: given by the system, or by people whom a desk can only refuse
DeskReaction = HoldBed | AdjustHold | MarkInTransit | OccupyOnArrival | GiveUpHold
DeskCommand = DeskRequest | DeskReaction

DESK_REQUESTS: tuple[type[DeskRequest], ...] = get_args(DeskRequest)
DESK_COMMANDS: tuple[type[DeskCommand], ...] = get_args(DeskCommand)
