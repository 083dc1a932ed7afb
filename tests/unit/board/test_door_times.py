"""The budget's last part: what the destination took lately, and the site's setting while nobody knows."""

from collections.abc import Mapping
from typing import cast

import pytest
from google.protobuf.json_format import ParseDict

from services.board.adapters.episode_picture import budgets_of, medians_of
from services.board.application.door_times import DoorTimes
from services.board.application.platform import Platform, PlatformRefused, Refusal, Viewer
from services.board.domain.door_time import DoorMedian, DoorSource, DoorTime, door_time
from tierlink.referral.v1 import episode_service_pb2

LI = Viewer(token="t", facility="jimsar-general", person=("li",), desk=("jimsar-general",))
SET = DoorTime(minutes=60, source=DoorSource.SETTING)
WU = Viewer(token="u", facility="wucaiwan", person=("wu",), desk=("wucaiwan",))


@pytest.mark.parametrize(
    ("medians", "expected"),
    [
        ({}, DoorTime(minutes=60, source=DoorSource.SETTING)),
        (
            {"door-to-needle": DoorMedian(minutes=31, count=4)},
            DoorTime(minutes=60, source=DoorSource.SETTING),
        ),
        (
            {"door-to-needle": DoorMedian(minutes=31, count=5)},
            DoorTime(minutes=31, source=DoorSource.MEDIAN, count=5),
        ),
        (
            {"door-to-balloon": DoorMedian(minutes=31, count=9)},
            DoorTime(minutes=60, source=DoorSource.SETTING),
        ),
    ],
)
def test_a_median_counts_from_five_patients_of_the_same_door(
    medians: Mapping[str, DoorMedian], expected: DoorTime
) -> None:
    assert door_time("onset-to-needle", medians, fallback_minutes=60) == expected


_EPISODE = {
    "episode": {
        "clocks": [
            {
                "key": "onset-to-needle",
                "started_at": "2025-07-04T01:00:00Z",
                "stop_by": "2025-07-04T05:30:00Z",
            }
        ]
    },
    "referrals": [
        {
            "state": "REFERRAL_STATE_REQUESTED",
            "direction": "DIRECTION_UP",
            "offers": [
                {"facility": "far", "state": "OFFER_STATE_SENT", "travel_minutes": 120},
                {"facility": "near", "state": "OFFER_STATE_SENT", "travel_minutes": 40},
            ],
        }
    ],
}


class FakePlatform:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refuses = False

    async def door_medians(self, token: str, facility: str) -> Mapping[str, DoorMedian]:
        self.asked.append((token, facility))
        if self.refuses:
            raise PlatformRefused(Refusal.AWAY)
        return {"door-to-needle": DoorMedian(minutes=30, count=7)}


async def test_it_is_asked_once_a_while_for_each_who_may_see_something_else() -> None:
    platform = FakePlatform()
    doors = DoorTimes(cast(Platform, platform), fallback_minutes=60)
    for _ in range(3):
        assert (await doors.medians(LI, "changji-prefecture"))["door-to-needle"].minutes == 30
    await doors.medians(WU, "changji-prefecture")
    assert platform.asked == [("t", "changji-prefecture"), ("u", "changji-prefecture")]
    assert await doors.medians(LI, "") == {}


async def test_a_service_that_is_away_leaves_the_setting() -> None:
    platform = FakePlatform()
    platform.refuses = True
    doors = DoorTimes(cast(Platform, platform), fallback_minutes=60)
    assert await doors.medians(LI, "changji-prefecture") == {}


def test_medians_are_read_from_the_report() -> None:
    report = ParseDict(
        {
            "clocks": [
                {"target": {"key": "door-to-needle"}, "count": 7, "median_s": 1795.0},
                {"target": {"key": "door-to-balloon"}, "count": 0},
            ]
        },
        episode_service_pb2.SummarizeClocksResponse(),
    )
    assert medians_of(report) == {"door-to-needle": DoorMedian(minutes=30, count=7)}


async def test_the_budget_takes_road_and_door_of_the_same_destination() -> None:
    found = ParseDict(_EPISODE, episode_service_pb2.GetEpisodeResponse())
    asked: list[tuple[str, str]] = []

    async def doors(facility: str, clock: str) -> DoorTime:
        asked.append((facility, clock))
        return DoorTime(minutes=30, source=DoorSource.MEDIAN, count=9)

    (budget,) = await budgets_of(found, doors=doors)
    assert asked == [("near", "onset-to-needle")]
    assert (budget["drive_minutes"], budget["door_minutes"], budget["destination"]) == (40, 30, "near")
    assert (budget["door_source"], budget["door_count"]) == ("MEDIAN", 9)
    assert budget["leave_by"] == "2025-07-04T04:20:00+00:00"
