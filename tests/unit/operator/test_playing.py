"""A case is played as its people would act: retried, streamed, judged."""

import asyncio
import json
from pathlib import Path

import grpc
import pytest

from services.operator.casefile.model import Case, Step
from services.operator.playing.observer import Observer
from services.operator.playing.play import Terms
from services.operator.playing.results import StepResult
from services.operator.playing.site_setup import SiteTaken
from services.operator.report.document import document
from services.operator.rpc.calling import Patience
from services.operator.rpc.failures import CallFailed
from tests.unit.operator.fake_services import FakeServices
from tests.unit.operator.quick_plays import kinds, play_quickly
from tests.unit.operator.small_case import small_case
from tierlink.referral.v1 import directory_service_pb2


async def test_a_sound_case_ends_as_it_must(tmp_path: Path) -> None:
    services = FakeServices()
    summary = await play_quickly(small_case(tmp_path), services)
    assert summary.is_ok, kinds(summary)
    assert [result.is_ok for result in summary.steps] == [True] * 7
    (clock,) = summary.clocks
    assert (clock.key, clock.elapsed_s, clock.confidence) == ("door-to-needle", 2400, "B")
    (alert,) = summary.alerts
    assert alert.response_s == 120
    assert alert.delivery_ms is not None
    assert alert.delivery_ms < 1000
    assert summary.audit is not None
    assert summary.audit.local.events_count == 4
    assert summary.outcome["events"]["episode MilestoneRecorded"] == 2


async def test_the_case_ends_now_and_nothing_lies_in_the_future(tmp_path: Path) -> None:
    services = FakeServices()
    summary = await play_quickly(small_case(tmp_path), services)
    close = services.named("CloseEpisode")[0]
    opened = services.named("OpenEpisode")[0]
    assert summary.ended_at == close.occurred_at.ToDatetime(tzinfo=summary.ended_at.tzinfo)
    assert close.occurred_at.seconds - opened.occurred_at.seconds == 2 * 86_400
    assert close.request_id != opened.request_id


async def test_the_site_is_set_up_before_the_first_step(tmp_path: Path) -> None:
    services = FakeServices()
    await play_quickly(small_case(tmp_path), services)
    names = [
        name
        for name, _ in services.calls[
            : services.calls.index(next(call for call in services.calls if call[0] == "OpenEpisode"))
        ]
    ]
    assert names == [
        "ApplyDirectory",
        "ApplyDirectory",
        "ApplyWards",
        "ApplyWards",
        "ApplyRoster",
        "ApplyRoster",
    ]
    assert [request.dry_run for request in services.named("ApplyDirectory")] == [True, False]
    assert services.named("ApplyWards")[1].wards[0].bed_count == 2
    assert services.named("ApplyRoster")[1].duties[0].user == "physician"


async def test_a_site_that_would_take_something_away_is_refused(tmp_path: Path) -> None:
    services = FakeServices()
    services._handlers["ApplyDirectory"] = lambda request: directory_service_pb2.ApplyDirectoryResponse(
        added=["branch"], removed=["theirs"]
    )
    with pytest.raises(SiteTaken, match="theirs"):
        await play_quickly(small_case(tmp_path), services)
    assert len(services.named("ApplyDirectory")) == 1


@pytest.mark.parametrize("fault", ["failing", "losing_answers"])
async def test_a_command_is_retried_with_the_same_request_id(tmp_path: Path, fault: str) -> None:
    services = FakeServices()
    getattr(services, fault)["RecordMilestone"] = 2
    retries: list[str] = []

    class Listening(Observer):
        def on_retry(self, method: str, status: str) -> None:
            retries.append(f"{method} {status}")

    summary = await play_quickly(small_case(tmp_path), services, Listening())
    assert summary.is_ok, kinds(summary)
    sent = services.named("RecordMilestone")
    assert len(sent) == 4
    assert len({request.request_id for request in sent}) == 2
    assert retries == ["RecordMilestone UNAVAILABLE"] * 2
    assert summary.outcome["events"]["episode MilestoneRecorded"] == 2


async def test_a_refusal_is_not_retried_and_ends_the_case(tmp_path: Path) -> None:
    services = FakeServices()
    services.refusing["RecordMilestone"] = (grpc.StatusCode.FAILED_PRECONDITION, "not in this order")
    summary = await play_quickly(small_case(tmp_path), services)
    assert len(services.named("RecordMilestone")) == 1
    assert [kind for kind, _ in kinds(summary)] == ["step", "step"]
    assert "RULE: not in this order" in summary.shortcomings[0].text.en
    assert summary.shortcomings[0].where.startswith("4 (line ")
    assert "3 steps were not taken" in summary.shortcomings[1].text.en


async def test_nobody_there_is_told_within_the_patience(tmp_path: Path) -> None:
    services = FakeServices()
    services.failing["ApplyDirectory"] = 1000
    terms = Terms(patience=Patience(attempt_s=0.5, total_s=0.5))
    with pytest.raises(CallFailed, match="UNAVAILABLE"):
        await play_quickly(small_case(tmp_path), services, terms=terms)


async def test_a_stream_that_breaks_comes_back_with_its_token(tmp_path: Path) -> None:
    services = FakeServices()
    services.streams_cut = 3
    summary = await play_quickly(small_case(tmp_path), services)
    assert summary.is_ok, kinds(summary)
    assert services.resume_tokens[0] == ""


async def test_pacing_follows_the_case(tmp_path: Path) -> None:
    # The case goes on for two days after its first step: at this speed, for about half a second.
    begun = asyncio.get_running_loop().time()
    await play_quickly(small_case(tmp_path), FakeServices(), terms=Terms(speed=2 * 86_400 / 0.5))
    assert asyncio.get_running_loop().time() - begun > 0.45


async def test_the_observer_sees_every_step_before_and_after(tmp_path: Path) -> None:
    seen: list[str] = []

    class Noting(Observer):
        async def on_start(self, case: Case) -> None:
            seen.append("start")

        async def on_step(self, step: Step) -> None:
            seen.append(f"{step.number}")

        async def on_step_done(self, result: StepResult) -> None:
            seen.append(f"{result.step.number} done")

        async def on_end(self) -> None:
            seen.append("end")

    await play_quickly(small_case(tmp_path), FakeServices(), Noting())
    assert seen[:3] == ["start", "1", "1 done"]
    assert seen[-2:] == ["7 done", "end"]


async def test_two_plays_have_the_same_outcome(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    first, second = await play_quickly(case, FakeServices()), await play_quickly(case, FakeServices())
    assert first.outcome == second.outcome
    assert first.variables["patient"] != second.variables["patient"]


async def test_the_document_is_plain_json(tmp_path: Path) -> None:
    summary = await play_quickly(small_case(tmp_path), FakeServices())
    found = json.loads(json.dumps(document(summary, ()), ensure_ascii=False))
    assert found["ok"] is True
    assert found["steps"][0]["rpc"] == "OpenEpisode"
    assert found["steps"][1]["kind"] == "alert"
    assert found["timeline"][0]["text"] == {"zh": "事件", "en": "EpisodeOpened"}
    assert found["clocks"][0]["confidence"] == "B"
    assert found["audit"]["intact"] is True
    assert len(found["audit"]["services"]) == 3


@pytest.mark.parametrize(
    ("unknown_at", "dry_runs"),
    [
        ({1, 2}, [True, True, True, False]),
        ({2}, [True, False, False]),
        ({1, 3, 4}, [True, True, False, False, False]),
    ],
)
async def test_a_roster_waits_until_its_facility_is_known_there(
    tmp_path: Path, unknown_at: set[int], dry_runs: list[bool]
) -> None:
    """The notification service copies the directory from a topic: a new facility reaches it later."""
    services = FakeServices()
    services.facility_unknown_at = frozenset(unknown_at)
    await play_quickly(small_case(tmp_path), services)
    assert [request.dry_run for request in services.named("ApplyRoster")] == dry_runs
