"""Rules of the crew that is named to carry: its task, that it is off, and that it goes elsewhere."""

from services.notification.domain.values import Severity
from tests.unit.notification.occurrences import DIVERTED, ETA, occurrence
from tests.unit.notification.rule_cases import Case
from tests.unit.notification.scenario import HOSPITAL, PREFECTURE, REFERRAL

CREW = "ambulance-120"
_REASON = {"code": "OTHER"}
ARRANGED = occurrence(
    "TransportArranged", {"transport": {"ambulance_facility": CREW}, "departure_due_at": ETA}
)
OWN_MEANS = occurrence("TransportArranged", {"transport": {}, "departure_due_at": ETA})
CARRIED_ELSEWHERE = occurrence(
    "PatientDiverted", DIVERTED | {"carrier_facility": CREW}, destination_facility=PREFECTURE
)


def _off(event_type: str, beside: tuple[str, ...]) -> Case:
    fields = {"facility": HOSPITAL, "reason": _REASON, "carrier_facility": CREW}
    return Case(
        rule="CREW_STOOD_DOWN",
        events=(occurrence(event_type, fields),),
        facility=CREW,
        role="ambulance",
        severity=Severity.HIGH,
        key=f"CREW_STOOD_DOWN/{REFERRAL}",
        beside=beside,
    )


CREW_CASES = [
    Case(rule="CREW_NAMED", events=(ARRANGED,), facility=CREW, role="ambulance", act_by=ETA),
    _off("CancellationRequested", ("CANCELLATION_REQUESTED",)),
    _off("AcceptanceWithdrawn", ("ACCEPTANCE_WITHDRAWN",)),
    _off("ReferralCancelled", ()),
    Case(
        rule="CREW_DIVERTED",
        events=(CARRIED_ELSEWHERE,),
        facility=CREW,
        role="ambulance",
        beside=("PATIENT_DIVERTED", "PATIENT_DIVERTED_AWAY", "PATIENT_DIVERTED_ORIGIN"),
    ),
]
