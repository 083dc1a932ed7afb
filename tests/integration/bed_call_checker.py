"""Checks what clients of the bed service were told against what the service recorded."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.integration.bed_checker import Seen


@dataclass(frozen=True, kw_only=True)
class Called:
    """One call as a client saw it: tried until the outcome was known."""

    name: str
    request_id: str
    begin: datetime
    end: datetime
    #: OK, or the status that refused it
    outcome: str
    referral: str = ""
    tries: int = 1


def check_calls(calls: Sequence[Called], events: Sequence[Seen]) -> list[str]:
    """What was acknowledged happened once, while it was asked for; what was refused did not happen."""
    made: dict[str, list[Seen]] = defaultdict(list)
    for seen in events:
        made[seen.event.metadata.request_id].append(seen)
    return [fault for call in calls for fault in _call_faults(call, made[call.request_id])]


#: the one event that each of these calls makes, where it makes any
_MAKES = {
    "HoldBed": "bed_held",
    "ExtendHold": "bed_hold_extended",
    "ReleaseHold": "bed_released",
    "OccupyBed": "bed_occupied",
    "AdmitPatient": "bed_occupied",
    "VacateBed": "bed_vacated",
    "DischargePatient": "bed_vacated",
    "MarkBedReady": "bed_marked_ready",
    "BlockBed": "bed_blocked",
    "UnblockBed": "bed_unblocked",
    "JoinWaitingList": "waiting_joined",
    "LeaveWaitingList": "waiting_left",
}


def _call_faults(call: Called, made: Sequence[Seen]) -> Iterator[str]:
    if call.outcome != "OK":
        if made:
            yield f"{call.name} {call.request_id} was refused ({call.outcome}) and made {made[0].kind}"
        return
    wanted = _MAKES.get(call.name)
    own = [seen for seen in made if seen.kind == wanted]
    if call.name == "DischargePatient" and not made:
        return  # the ward vacated the bed before
    if call.name == "HoldBed":
        own = [seen for seen in own if seen.body.hold.referral == call.referral]
    if wanted is not None and len(own) != 1:
        yield f"{call.name} {call.request_id} was acknowledged and made {len(own)} {wanted}"
    if call.name == "TransferBed":
        moves = sorted(seen.kind for seen in made)
        if moves not in (["bed_transferred"], ["bed_transferred_in", "bed_transferred_out"]):
            yield f"TransferBed {call.request_id} made {moves}"
    tolerance = timedelta(milliseconds=5)
    for seen in made:
        at = seen.event.metadata.recorded_at.ToDatetime(tzinfo=call.begin.tzinfo)
        if not call.begin - tolerance <= at <= call.end + tolerance:
            yield f"{call.name} {call.request_id} made {seen.kind} at {at}: outside of the call"
