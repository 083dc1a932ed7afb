"""Who begins when: arrivals as they come in a hospital, independent of one another and of the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One course that begins."""

    #: after the beginning of the round
    at_s: float
    course: str
    #: of the network, from 0
    county: int
    branch: int
    #: what everything of this course is drawn from
    seed: str


class TooManyArrivals(ValueError):
    """More would begin than a round may have."""


def arrivals(
    per_second: Mapping[str, float],
    *,
    seconds: float,
    counties: int,
    branches: int,
    seed: str,
    arrivals_max: int,
) -> Sequence[Arrival]:
    """A Poisson process for each course, merged, in order of time. Raises TooManyArrivals.

    Each has a chance of its own, so that another course's rate moves nothing of this one's.
    """
    expected = sum(per_second.values()) * seconds
    if expected > arrivals_max:
        raise TooManyArrivals(f"{expected:.0f} courses in {seconds:g} s, more than {arrivals_max}")
    found: list[Arrival] = []
    for course, rate in per_second.items():
        random = Random(f"{seed}/{course}")
        at_s, number = random.expovariate(rate), 0
        while at_s < seconds:
            found.append(
                Arrival(
                    at_s=at_s,
                    course=course,
                    county=random.randrange(counties),
                    branch=random.randrange(branches),
                    seed=f"{seed}/{course}/{number}",
                )
            )
            at_s, number = at_s + random.expovariate(rate), number + 1
    return sorted(found, key=lambda arrival: arrival.at_s)


def one_of_each(courses: Sequence[str], *, counties: int, branches: int, seed: str) -> Sequence[Arrival]:
    """Every course once, all at the beginning, each county in turn: whatever is done for the first time is
    done by these."""
    return [
        Arrival(
            at_s=0.0,
            course=course,
            county=number % counties,
            branch=number % branches,
            seed=f"{seed}/{course}/first",
        )
        for number, course in enumerate(courses)
    ]
