"""Which faults come when: drawn from a seed, so that a run that failed can be had again.

What meets what is still for the machine to say: a seed gives the same faults at the same moments, not the
same interleaving.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


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
    #: every connection to PostgreSQL is cut, and refused for a while
    CUT = "CUT"
    #: a write transaction is held open on rows that commands want
    HOLD_LOCK = "HOLD_LOCK"
    #: records that were published are published once more, some behind later ones
    DUPLICATE = "DUPLICATE"
    #: records that nobody can read
    POISON = "POISON"


KAFKA, POSTGRES = "kafka", "postgres"
SERVICES = ("referral", "bed", "notification")
#: The names of the instances, two of each service.
INSTANCES = tuple(f"{service}-{number}" for service in SERVICES for number in (1, 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault of a schedule."""

    #: seconds after the beginning of the load
    at_s: float
    kind: FaultKind
    #: an instance, a service, `kafka` or `postgres`
    target: str
    #: how long it lasts; 0 for what is done at once
    lasts_s: float = 0.0


#: What may be done to what, how often compared with the others, and how long it lasts at least and at most.
_CHOICES: tuple[tuple[FaultKind, Sequence[str], int, tuple[float, float]], ...] = (
    (FaultKind.KILL, INSTANCES, 8, (0.0, 0.0)),
    # The leases of relays and deadlines end after five seconds and more.
    (FaultKind.FREEZE, INSTANCES, 4, (2.0, 8.0)),
    (FaultKind.RESTART, INSTANCES, 3, (0.0, 0.0)),
    (FaultKind.JOIN, SERVICES, 2, (2.0, 5.0)),
    (FaultKind.KILL, (KAFKA,), 1, (0.0, 0.0)),
    (FaultKind.FREEZE, (KAFKA,), 2, (1.0, 8.0)),
    (FaultKind.KILL, (POSTGRES,), 1, (0.0, 0.0)),
    (FaultKind.FREEZE, (POSTGRES,), 1, (1.0, 3.0)),
    (FaultKind.CUT, SERVICES, 3, (0.0, 2.0)),
    (FaultKind.HOLD_LOCK, SERVICES, 2, (0.5, 2.0)),
    (FaultKind.DUPLICATE, (KAFKA,), 3, (0.0, 0.0)),
    (FaultKind.POISON, (KAFKA,), 2, (0.0, 0.0)),
)


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
        if busy_until_s.get(target, 0.0) <= at_s:
            faults.append(
                Fault(at_s=round(at_s, 3), kind=kind, target=target, lasts_s=round(fault_lasts_s, 3))
            )
            # The second instance serves meanwhile, so a service is away only when both are hurt.
            busy_until_s[target] = at_s + fault_lasts_s + 3.0
        at_s += random.uniform(*pause_s)
    return tuple(faults)
