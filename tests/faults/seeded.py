"""What shows each seeded bug: a load, and the faults that the bug does not survive."""

from collections.abc import Mapping

from tests.faults.bugs import BUGS
from tests.faults.run import Plan
from tests.faults.schedule import KAFKA, POSTGRES, Fault, FaultKind
from tests.faults.wire import Place


def _fault(
    at_s: float, kind: FaultKind, target: str, lasts_s: float = 0.0, *, detail: str = "", count: int = 0
) -> Fault:
    return Fault(at_s=at_s, kind=kind, target=target, lasts_s=lasts_s, detail=detail, count=count)


def _at_place(at_s: float, kind: FaultKind, target: str, place: Place) -> Fault:
    return _fault(at_s, kind, target, 3.0, detail=place, count=1)


#: Nothing for those that the load alone shows.
_FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "answered_before_it_is_stored": (
        _fault(1.5, FaultKind.CUT, "referral", 1.0),
        _fault(3.0, FaultKind.KILL, "referral-1"),
        _fault(4.0, FaultKind.KILL, "referral-2"),
        _fault(5.0, FaultKind.CUT, "bed", 1.0),
    ),
    # Longer than a client waits for an answer, so that it asks again for what was done meanwhile.
    "requests_are_forgotten": (
        _fault(1.5, FaultKind.FREEZE, POSTGRES, 5.0),
        _fault(8.0, FaultKind.KILL, "referral-1"),
    ),
    "request_ids_are_noted_afterwards": tuple(
        _at_place(1.0 + number, FaultKind.DEATH, f"referral-{number % 2 + 1}", Place.AFTER_COMMIT)
        for number in range(5)
    ),
    "unknown_outcomes_are_taken_for_failures": tuple(
        _at_place(1.0 + number / 2, FaultKind.RESET, f"referral-{number % 2 + 1}", Place.AFTER_COMMIT)
        for number in range(6)
    ),
    "deleted_before_the_acknowledgement": (
        _fault(1.5, FaultKind.FREEZE, KAFKA, 3.0),
        _fault(2.5, FaultKind.KILL, "referral-1"),
        _fault(2.6, FaultKind.KILL, "referral-2"),
        _fault(2.7, FaultKind.KILL, "bed-1"),
        _fault(2.8, FaultKind.KILL, "bed-2"),
    ),
    "full_disks_are_taken_for_room": (_fault(1.5, FaultKind.DISK_FULL, POSTGRES, 3.0),),
    "the_system_s_clock_is_believed": tuple(
        _fault(1.0 + number / 4, FaultKind.CLOCK_JUMP, target, 5.0, detail=jump)
        for number, (target, jump) in enumerate(
            (
                ("referral-1", "-7200"),
                ("referral-2", "+300"),
                ("bed-1", "-300"),
                ("bed-2", "+7200"),
                ("notification-1", "-7200"),
                ("notification-2", "+7200"),
            )
        )
    ),
    "inbox_without_versions": tuple(_fault(float(at), FaultKind.DUPLICATE, KAFKA) for at in range(2, 8)),
    "offsets_committed_first": tuple(
        _fault(at_s, FaultKind.KILL, target)
        for at_s, target in ((2.0, "bed-1"), (3.0, "notification-1"), (4.0, "bed-2"), (5.0, "notification-2"))
    ),
}

#: One of each bug.
SCENARIOS: Mapping[str, Plan] = {
    name: Plan(
        seed=number,
        lasts_s=max((fault.at_s + fault.lasts_s + 2.0 for fault in _FAULTS.get(name, ())), default=5.0),
        clients=8,
        schedule=_FAULTS.get(name, ()),
        bug=name,
    )
    for number, name in enumerate(BUGS)
}
