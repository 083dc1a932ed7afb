"""Which faults come when: drawn from a seed, so that a run that failed can be had again.

What meets what is still for the machine to say: a seed gives the same faults at the same moments, not the
same interleaving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.faults.wire import Place


class FaultKind(StrEnum):
    """What is done to a process, or to a topic."""

    #: kill -9; it is started again
    KILL = "KILL"
    #: SIGSTOP, and SIGCONT later: a zombie that goes on where it was, past its lease
    FREEZE = "FREEZE"
    #: SIGTERM; it is started again: it leaves its consumer group in the middle of a batch
    RESTART = "RESTART"
    #: another instance joins for a while
    JOIN = "JOIN"
    #: kill -9 at a chosen place of its work: before or after a commit, a send, an acknowledgement, a delete
    DEATH = "DEATH"
    #: every connection to PostgreSQL is cut, and refused for a while
    CUT = "CUT"
    #: a commit reached PostgreSQL, and the connection is reset before the answer comes back
    RESET = "RESET"
    #: PostgreSQL or Kafka is gone without a word: packets are swallowed, old connections stay dumb for good
    HALF_OPEN = "HALF_OPEN"
    #: each packet to and from PostgreSQL or Kafka takes its time, now more, now less
    DELAY = "DELAY"
    #: the clock of a process jumps, and jumps back
    CLOCK_JUMP = "CLOCK_JUMP"
    #: no byte is left on the disk of PostgreSQL or Kafka
    DISK_FULL = "DISK_FULL"
    #: a write transaction is held open on rows that commands want
    HOLD_LOCK = "HOLD_LOCK"
    #: records that were published are published once more, some behind later ones
    DUPLICATE = "DUPLICATE"
    #: records that nobody can read
    POISON = "POISON"
    #: what waits in an outbox is on the topics before its time, and from the end to the beginning
    OUT_OF_ORDER = "OUT_OF_ORDER"


KAFKA, POSTGRES = "kafka", "postgres"
SERVICES = ("referral", "bed", "notification")
#: The names of the instances, two of each service.
INSTANCES = tuple(f"{service}-{number}" for service in SERVICES for number in (1, 2))
#: Behind a service's name: whatever joins it for a while.
JOINED = "-joined"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault of a schedule."""

    #: seconds after the beginning of the load
    at_s: float
    kind: FaultKind
    #: an instance, a service, `kafka` or `postgres`
    target: str
    #: how long it lasts, or is waited for; 0 for what is done at once
    lasts_s: float = 0.0
    #: the place of a death, the server that is away, the seconds that a clock jumps
    detail: str = ""
    #: at how manieth time that the process comes there
    count: int = 0


#: What may be done to what, how often compared with the others, and how long it lasts at least and at most.
_CHOICES: tuple[tuple[FaultKind, Sequence[str], int, tuple[float, float]], ...] = (
    (FaultKind.KILL, INSTANCES, 8, (0.0, 0.0)),
    # The leases of relays and deadlines end after five seconds and more.
    (FaultKind.FREEZE, INSTANCES, 4, (2.0, 8.0)),
    (FaultKind.RESTART, INSTANCES, 3, (0.0, 0.0)),
    (FaultKind.JOIN, SERVICES, 2, (2.0, 5.0)),
    (FaultKind.KILL, (KAFKA,), 1, (0.0, 0.0)),
    (FaultKind.FREEZE, (KAFKA,), 2, (1.0, 10.0)),
    (FaultKind.KILL, (POSTGRES,), 1, (0.0, 0.0)),
    (FaultKind.FREEZE, (POSTGRES,), 1, (1.0, 3.0)),
    (FaultKind.DEATH, INSTANCES, 10, (3.0, 6.0)),
    (FaultKind.CUT, SERVICES, 3, (0.0, 2.0)),
    (FaultKind.RESET, INSTANCES, 4, (3.0, 6.0)),
    (FaultKind.HALF_OPEN, INSTANCES, 3, (0.5, 4.0)),
    (FaultKind.DELAY, INSTANCES, 3, (1.0, 5.0)),
    (FaultKind.CLOCK_JUMP, INSTANCES, 4, (3.0, 8.0)),
    (FaultKind.DISK_FULL, (KAFKA,), 1, (1.0, 4.0)),
    (FaultKind.DISK_FULL, (POSTGRES,), 1, (1.0, 4.0)),
    (FaultKind.HOLD_LOCK, SERVICES, 2, (0.5, 2.0)),
    (FaultKind.DUPLICATE, (KAFKA,), 3, (0.0, 0.0)),
    (FaultKind.POISON, (KAFKA,), 2, (0.0, 0.0)),
    (FaultKind.OUT_OF_ORDER, SERVICES, 3, (0.5, 1.5)),
)
#: What is drawn besides for faults that come in several ways.
_DETAILS: Mapping[FaultKind, Sequence[str]] = {
    FaultKind.DEATH: tuple(Place),
    FaultKind.RESET: (Place.AFTER_COMMIT,),
    FaultKind.HALF_OPEN: (POSTGRES, KAFKA),
    FaultKind.DELAY: (POSTGRES, KAFKA),
    FaultKind.CLOCK_JUMP: ("+300", "-300", "+7200", "-7200"),
}
#: Faults of the n-th time that something is done.
_COUNTED_MAX: Mapping[FaultKind, int] = {FaultKind.DEATH: 4, FaultKind.RESET: 3}


def draw_schedule(
    seed: int, *, lasts_s: float, pause_s: tuple[float, float] = (0.5, 2.5)
) -> tuple[Fault, ...]:
    """Faults for a run of `lasts_s` seconds, in order of time.

    One target is not hurt again before it had time to come back; what lasts ends within the run.
    """
    random = Random(f"faults/{seed}")
    faults: list[Fault] = []
    busy_until_s: dict[str, float] = {}
    at_s = random.uniform(*pause_s)
    while at_s < lasts_s:
        kind, targets, _, (least_s, most_s) = random.choices(_CHOICES, [each[2] for each in _CHOICES])[0]
        target = random.choice(targets)
        fault_lasts_s = min(random.uniform(least_s, most_s), lasts_s - at_s)
        # Drawn in any case: what is left out changes nothing of the others.
        detail = str(random.choice(_DETAILS.get(kind, ("",))))
        count = random.randint(1, _COUNTED_MAX[kind]) if kind in _COUNTED_MAX else 0
        if busy_until_s.get(target, 0.0) <= at_s:
            faults.append(
                Fault(
                    at_s=round(at_s, 3),
                    kind=kind,
                    target=target,
                    lasts_s=round(fault_lasts_s, 3),
                    detail=detail,
                    count=count,
                )
            )
            # The second instance serves meanwhile, so a service is away only when both are hurt.
            busy_until_s[target] = at_s + fault_lasts_s + 3.0
        at_s += random.uniform(*pause_s)
    return tuple(faults)
