"""A made-up network of three hundred facilities, and where each of a million referrals went.

Ids of facilities and patients have one length each, so that stored bytes can be written for others by
replacement: lengths inside them stay true.
"""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from uuid import UUID

from tierlink.referral.v1 import directory_pb2
from tierlink.type.v1 import type_pb2

COMMUNITIES = 50
#: Branches of one county hospital.
BRANCHES = 5


def lead(community: int) -> str:
    """The county hospital of a community."""
    return f"bench-c{community:05d}"


def branch(community: int, number: int) -> str:
    """A branch of a community."""
    return f"bench-t{community * BRANCHES + number:05d}"


def facilities() -> list[directory_pb2.Facility]:
    """All three hundred, with the roads to their lead."""
    found: list[directory_pb2.Facility] = []
    for community in range(COMMUNITIES):
        names = [lead(community), *(branch(community, number) for number in range(BRANCHES))]
        found.extend(
            directory_pb2.Facility(
                id=name,
                name=type_pb2.BilingualText(zh=name, en=name),
                level=(
                    type_pb2.FACILITY_LEVEL_COUNTY
                    if name == lead(community)
                    else type_pb2.FACILITY_LEVEL_TOWNSHIP
                ),
                community=f"bench-m{community:05d}",
                region="652327",
                capabilities=["STROKE", "CHEST_PAIN"] if name == lead(community) else [],
                travel_minutes={} if name == lead(community) else {lead(community): 45},
            )
            for name in names
        )
    return found


def communities() -> list[directory_pb2.Community]:
    """Their communities, all of one county."""
    return [
        directory_pb2.Community(
            id=f"bench-m{community:05d}",
            name=type_pb2.BilingualText(zh=f"医共体 {community}", en=f"community {community}"),
            county="652327",
            lead=lead(community),
        )
        for community in range(COMMUNITIES)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Journey:
    """Whose referral it is, and between whom."""

    referral: str
    episode: str
    patient: str
    origin: str
    destination: str


#: The first communities are the large ones: six times as many referrals as the last.
_SHARES = tuple(accumulate(1 / (8 + community) for community in range(COMMUNITIES)))


def journey(number: int, seed: int) -> Journey:
    """The journey of the n-th referral: the same whoever asks. Ids ascend, as those of no real site do."""
    random = Random(f"{seed}/{number}")
    community = bisect(_SHARES, random.random() * _SHARES[-1])
    return Journey(
        referral=f"referrals/{_id(number, 1)}",
        episode=f"episodes/{_id(number, 2)}",
        patient=f"bench-{number // 2:032x}",
        origin=branch(community, random.randrange(BRANCHES)),
        destination=lead(community),
    )


def event_id(number: int, kind: int, version: int) -> str:
    """The id of one event of the n-th referral (`kind` 1) or of its episode (2)."""
    return _id(number, kind + version * 16)


def _id(number: int, kind: int) -> str:
    return str(UUID(int=number << 80 | 5 << 76 | 8 << 60 | kind))
