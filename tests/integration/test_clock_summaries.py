"""Clocks over a period, through gRPC: figures where there are data, and only of what the caller may see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, Hospital, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import episode_pb2, episode_service_pb2_grpc, referral_service_pb2
from tierlink.referral.v1 import episode_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The patients of a month: minutes from the branch's door to the ECG, the drug and the door out.
NOW = datetime.now(UTC).replace(microsecond=0)
BEGUN = NOW - timedelta(days=2)
PERIOD = {"started_from": BEGUN - timedelta(days=1), "started_before": NOW}


def stub(hospital: Hospital) -> Any:
    return episode_service_pb2_grpc.EpisodeServiceStub(hospital.channel)


async def stroke(hospital: Hospital, *, at: datetime, needle_min: int | None) -> str:
    """An episode at the branch with its door, and its needle so many minutes later."""
    reply = await stub(hospital).OpenEpisode(
        pb.OpenEpisodeRequest(request_id=new_id(), patient="P-clock", pathway="PATHWAY_STROKE"),
        metadata=hospital.as_(BRANCH),
    )
    name: str = reply.episode.name
    steps = [("DOOR_IN", at)]
    if needle_min is not None:
        steps.append(("THROMBOLYSIS", at + timedelta(minutes=needle_min)))
    for kind, moment in steps:
        await stub(hospital).RecordMilestone(
            pb.RecordMilestoneRequest(
                request_id=new_id(), name=name, kind=f"MILESTONE_KIND_{kind}", occurred_at=moment
            ),
            metadata=hospital.as_(BRANCH),
        )
    return name


async def records(hospital: Hospital, episode: str, kind: str, at: datetime, who: str, **more: Any) -> None:
    await stub(hospital).RecordMilestone(
        pb.RecordMilestoneRequest(
            request_id=new_id(), name=episode, kind=f"MILESTONE_KIND_{kind}", occurred_at=at, **more
        ),
        metadata=hospital.as_(who),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def month(site: Site) -> list[str]:
    """Four patients: 40, 50 and 90 minutes to the needle, and one who still waits."""
    minutes = (40, 50, 90, None)
    return [
        await stroke(site.hospital, at=BEGUN + timedelta(hours=2 * n), needle_min=each)
        for n, each in enumerate(minutes)
    ]


async def summary(hospital: Hospital, key: str, *who: Any, **asked: Any) -> Any:
    request = pb.SummarizeClocksRequest(**{**PERIOD, "pathway": "PATHWAY_STROKE", **asked})
    reply = await stub(hospital).SummarizeClocks(request, metadata=hospital.as_(*(who or (BRANCH,))))
    return next(each for each in reply.clocks if each.target.key == key)


async def test_mean_median_and_share_are_of_the_clocks_that_stopped(site: Site, month: list[str]) -> None:
    found = await summary(site.hospital, "door-to-needle")
    assert (found.count, found.running_count) == (3, 1)
    assert (found.mean_s, found.median_s) == (60 * 60, 50 * 60)
    assert found.share_met_percent == pytest.approx(200 / 3)
    assert found.share_stretch_percent == pytest.approx(100 / 3)
    assert (found.target.target_s, found.target.stretch_s) == (3600, 2700)
    assert found.target.confidence == "B"
    # The source says nothing of a period.
    assert not found.HasField("aim_met")


async def test_where_nothing_was_counted_there_are_no_data_and_no_zero(site: Site, month: list[str]) -> None:
    for found in (
        await summary(site.hospital, "door-to-puncture"),
        await summary(site.hospital, "door-to-needle", OTHER),
        await summary(
            site.hospital, "door-to-needle", started_from=NOW - timedelta(days=90), started_before=BEGUN
        ),
    ):
        assert found.count == 0
        for field in ("mean_s", "median_s", "share_met_percent", "share_stretch_percent", "aim_met"):
            assert not found.HasField(field)


async def test_a_correction_moves_the_figures(site: Site, month: list[str]) -> None:
    hospital = site.hospital
    before = await summary(hospital, "door-to-needle")
    late = await stub(hospital).GetEpisode(pb.GetEpisodeRequest(name=month[2]), metadata=hospital.as_(BRANCH))
    needle = late.episode.milestones[-1]
    for minutes in (30, 90):
        await stub(hospital).CorrectMilestone(
            pb.CorrectMilestoneRequest(
                request_id=new_id(),
                name=month[2],
                milestone=needle.name,
                corrected_time=BEGUN + timedelta(hours=4, minutes=minutes),
                reason={"code": "MISTYPED"},
            ),
            metadata=hospital.as_(BRANCH),
        )
        found = await summary(hospital, "door-to-needle")
        assert found.mean_s == pytest.approx((40 + 50 + minutes) * 60 / 3)
    assert found == before


async def test_scopes_are_what_the_caller_may_see(site: Site, month: list[str]) -> None:
    hospital = site.hospital
    coordinator = (OTHER, Role.COORDINATOR)
    for asked in ({"facility": BRANCH}, {"community": "jimsar-mc"}, {"region": "6523"}, {}):
        assert (await summary(hospital, "door-to-needle", *coordinator, **asked)).count == 3, asked
        assert (await summary(hospital, "door-to-needle", "", Role.OPERATOR, **asked)).count == 3, asked
    for who in ((OTHER,), (COUNTY,), (CITY, Role.COORDINATOR)):
        request = pb.SummarizeClocksRequest(**PERIOD, facility=BRANCH)
        call = stub(hospital).SummarizeClocks(request, metadata=hospital.as_(*who))
        await refused(call, grpc.StatusCode.NOT_FOUND)
    reply = await stub(hospital).SummarizeClocks(
        pb.SummarizeClocksRequest(**PERIOD, region="652327"), metadata=hospital.as_(OTHER)
    )
    assert list(reply.facilities) == [OTHER]


@pytest.mark.parametrize(
    "asked, field",
    [
        ({"started_before": PERIOD["started_from"]}, "started_before"),
        ({"started_from": NOW - timedelta(days=500)}, "started_before"),
        ({"facility": BRANCH, "region": "65"}, "facility"),
    ],
)
async def test_a_period_and_a_scope_make_sense(site: Site, asked: dict[str, Any], field: str) -> None:
    hospital = site.hospital
    request = pb.SummarizeClocksRequest(**{**PERIOD, **asked})
    call = stub(hospital).SummarizeClocks(request, metadata=hospital.as_("", Role.OPERATOR))
    found = await refused(call, grpc.StatusCode.INVALID_ARGUMENT)
    assert [violation.field for violation in found["BadRequest"].field_violations] == [field]


async def test_an_excluded_clock_is_counted_apart_until_it_is_lifted(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(
        pathway="PATHWAY_CHEST_PAIN", occurred_at=BEGUN + timedelta(minutes=5), patient="P-shock"
    )
    for kind, minutes in (("DOOR_IN", 0), ("DOOR_OUT", 50)):
        await stub(hospital).RecordMilestone(
            pb.RecordMilestoneRequest(
                request_id=new_id(),
                name=referral.episode,
                kind=f"MILESTONE_KIND_{kind}",
                occurred_at=BEGUN + timedelta(minutes=minutes),
            ),
            metadata=hospital.as_(BRANCH),
        )
    clock = {"name": referral.episode, "key": "door-in-door-out", "facility": BRANCH}
    asked = {"pathway": "PATHWAY_CHEST_PAIN"}
    excluded = await stub(hospital).ExcludeClock(
        pb.ExcludeClockRequest(request_id=new_id(), reason={"code": "SHOCK"}, **clock),
        metadata=hospital.as_(BRANCH),
    )
    assert excluded.episode.exclusions[0].excluded_by.user == f"dr-{BRANCH}"
    found = await summary(hospital, "door-in-door-out", **asked)
    assert (found.count, found.HasField("mean_s")) == (0, False)
    assert [(each.code, each.count) for each in found.excluded] == [("SHOCK", 1)]
    assert "休克" in found.excluded[0].label.zh

    await stub(hospital).LiftClockExclusion(
        pb.LiftClockExclusionRequest(request_id=new_id(), reason={"code": "MISTYPED"}, **clock),
        metadata=hospital.as_(BRANCH),
    )
    found = await summary(hospital, "door-in-door-out", **asked)
    assert (found.count, found.mean_s, found.share_met_percent) == (1, 3000, 0)
    assert list(found.excluded) == []


async def test_a_cancelled_referral_leaves_no_clock_running(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(patient="P-cancel")
    await stub(hospital).RecordMilestone(
        pb.RecordMilestoneRequest(request_id=new_id(), name=referral.episode, kind="MILESTONE_KIND_DOOR_IN"),
        metadata=hospital.as_(BRANCH),
    )

    async def episode() -> Any:
        request = pb.GetEpisodeRequest(name=referral.episode)
        return await stub(hospital).GetEpisode(request, metadata=hospital.as_(BRANCH))

    found = await episode()
    running = {clock.key: clock for clock in found.episode.clocks}
    assert running["door-in-door-out"].HasField("leave_by")
    assert (found.travel_from, found.travel_to, found.travel_minutes) == (BRANCH, COUNTY, 60)
    await hospital.referrals.CancelReferral(
        referral_service_pb2.CancelReferralRequest(
            request_id=new_id(), name=referral.name, reason={"code": "FAMILY_DECLINED"}
        ),
        metadata=hospital.as_(BRANCH),
    )
    assert "door-in-door-out" not in {clock.key for clock in (await episode()).episode.clocks}


async def test_targets_tell_their_source_and_confidence(site: Site) -> None:
    hospital = site.hospital
    found = await stub(hospital).ListClockTargets(
        pb.ListClockTargetsRequest(pathway="PATHWAY_CHEST_PAIN"), metadata=hospital.as_(BRANCH)
    )
    balloon = next(each for each in found.clocks if each.key == "door-to-balloon")
    assert (balloon.aim, balloon.share_at_least_percent, balloon.confidence) == ("SHARE", 75, "A")
    assert all(each.source.zh and each.source.en for each in (*found.clocks, *found.limits, *found.shares))
    assert {each.key: each.at_least_percent for each in found.shares} == {
        "ecg-before-arrival-transfer": 50,
        "ecg-before-arrival-ambulance": 30,
        "bypass-transfer": 50,
        "bypass-ambulance": 30,
    }


async def test_shares_are_counted_at_the_doors_of_a_period(site: Site) -> None:
    """Three whom an ambulance fetched: one straight to the cath lab; of another nobody says where to."""
    hospital = site.hospital
    for n, (minutes, taken_to) in enumerate(((5, "CATH_LAB"), (None, "EMERGENCY_ROOM"), (5, "UNSPECIFIED"))):
        at = BEGUN + timedelta(hours=3 * n)
        opened = await stub(hospital).OpenEpisode(
            pb.OpenEpisodeRequest(request_id=new_id(), patient=f"P-120-{n}", pathway="PATHWAY_CHEST_PAIN"),
            metadata=hospital.as_(OTHER),
        )
        name = opened.episode.name
        if minutes is not None:
            await records(hospital, name, "ECG_SENT", at + timedelta(minutes=minutes), OTHER)
        await records(
            hospital,
            name,
            "DOOR_IN",
            at + timedelta(minutes=20),
            OTHER,
            arrived_by="ARRIVAL_MODE_AMBULANCE",
            taken_to=f"FIRST_STATION_{taken_to}",
        )
    found = await shares(hospital)
    sent, bypass = found["ecg-before-arrival-ambulance"], found["bypass-ambulance"]
    assert (sent.count, sent.met_count, sent.unknown_count, sent.aim_met) == (3, 2, 0, True)
    assert sent.met_percent == pytest.approx(200 / 3)
    assert (bypass.count, bypass.met_count, bypass.unknown_count, bypass.met_percent) == (2, 1, 1, 50)
    assert (bypass.share.at_least_percent, bypass.share.confidence) == (30, "A")
    nothing = found["bypass-transfer"]
    assert (nothing.count, nothing.HasField("met_percent"), nothing.HasField("aim_met")) == (0, False, False)

    shown = await stub(hospital).GetEpisode(pb.GetEpisodeRequest(name=name), metadata=hospital.as_(OTHER))
    readings = {each.key: each for each in shown.episode.share_readings}
    assert readings["ecg-before-arrival-ambulance"].met
    assert not readings["bypass-ambulance"].HasField("met")
    door = shown.episode.milestones[-1]
    await stub(hospital).CorrectMilestone(
        pb.CorrectMilestoneRequest(
            request_id=new_id(),
            name=name,
            milestone=door.name,
            corrected_time=door.occurred_at,
            reason={"code": "FORGOTTEN"},
            taken_to="FIRST_STATION_CATH_LAB",
        ),
        metadata=hospital.as_(OTHER),
    )
    bypass = (await shares(hospital))["bypass-ambulance"]
    assert (bypass.count, bypass.met_count, bypass.unknown_count) == (3, 2, 0)


async def shares(hospital: Hospital) -> dict[str, Any]:
    reply = await stub(hospital).SummarizeClocks(
        pb.SummarizeClocksRequest(**PERIOD, pathway="PATHWAY_CHEST_PAIN"), metadata=hospital.as_(OTHER)
    )
    return {each.share.key: each for each in reply.shares}


async def test_the_laboratory_of_a_stroke_has_its_clock(site: Site) -> None:
    hospital = site.hospital
    at = BEGUN + timedelta(hours=12)
    name = await stroke(hospital, at=at, needle_min=None)
    await records(hospital, name, "STROKE_ASSESSED", at + timedelta(minutes=9), BRANCH)
    await records(hospital, name, "LAB_REPORTED", at + timedelta(minutes=50), BRANCH)
    shown = await stub(hospital).GetEpisode(pb.GetEpisodeRequest(name=name), metadata=hospital.as_(BRANCH))
    found = {clock.key: clock.status for clock in shown.episode.clocks}
    met, missed = episode_pb2.CLOCK_STATUS_MET, episode_pb2.CLOCK_STATUS_MISSED
    assert (found["door-to-assessment"], found["door-to-laboratory"]) == (met, missed)
    assert (await summary(hospital, "door-to-laboratory")).share_met_percent == 0
