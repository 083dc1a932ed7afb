"""A case is played as its people would act: retried, streamed, judged."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.operator.casefile.model import Case, Step
from services.operator.playing.observer import Observer
from services.operator.playing.play import Terms, play
from services.operator.playing.results import StepResult
from services.operator.playing.site_setup import SiteTaken
from services.operator.playing.summary import Summary
from services.operator.report.document import document
from services.operator.rpc.calling import Patience
from services.operator.rpc.failures import CallFailed
from services.shared.rpc.signing import generate_signing_key
from tests.unit.operator.fake_services import FakeServices, serving
from tests.unit.operator.small_case import CASE, small_case
from tierlink.audit.v1 import audit_service_pb2
from tierlink.referral.v1 import directory_service_pb2

KEY = generate_signing_key()
QUICK = Terms(patience=Patience(attempt_s=2.0, total_s=3.0))


async def _play(
    case: Case, services: FakeServices, observer: Observer | None = None, terms: Terms = QUICK
) -> Summary:
    async with serving(services) as addresses:
        return await play(case, addresses, KEY, observer, terms)


def _kinds(summary: Summary) -> list[tuple[str, str]]:
    return [(each.kind, each.text.en) for each in summary.shortcomings]


async def test_a_sound_case_ends_as_it_must(tmp_path: Path) -> None:
    services = FakeServices()
    summary = await _play(small_case(tmp_path), services)
    assert summary.is_ok, _kinds(summary)
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
    summary = await _play(small_case(tmp_path), services)
    close = services.named("CloseEpisode")[0]
    opened = services.named("OpenEpisode")[0]
    assert summary.ended_at == close.occurred_at.ToDatetime(tzinfo=summary.ended_at.tzinfo)
    assert close.occurred_at.seconds - opened.occurred_at.seconds == 2 * 86_400
    assert close.request_id != opened.request_id


async def test_the_site_is_set_up_before_the_first_step(tmp_path: Path) -> None:
    services = FakeServices()
    await _play(small_case(tmp_path), services)
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
        await _play(small_case(tmp_path), services)
    assert len(services.named("ApplyDirectory")) == 1


@pytest.mark.parametrize("fault", ["failing", "losing_answers"])
async def test_a_command_is_retried_with_the_same_request_id(tmp_path: Path, fault: str) -> None:
    services = FakeServices()
    getattr(services, fault)["RecordMilestone"] = 2
    retries: list[str] = []

    class Listening(Observer):
        def on_retry(self, method: str, status: str) -> None:
            retries.append(f"{method} {status}")

    summary = await _play(small_case(tmp_path), services, Listening())
    assert summary.is_ok, _kinds(summary)
    sent = services.named("RecordMilestone")
    assert len(sent) == 4
    assert len({request.request_id for request in sent}) == 2
    assert retries == ["RecordMilestone UNAVAILABLE"] * 2
    assert summary.outcome["events"]["episode MilestoneRecorded"] == 2


async def test_a_refusal_is_not_retried_and_ends_the_case(tmp_path: Path) -> None:
    services = FakeServices()
    services.refusing["RecordMilestone"] = (grpc.StatusCode.FAILED_PRECONDITION, "not in this order")
    summary = await _play(small_case(tmp_path), services)
    assert len(services.named("RecordMilestone")) == 1
    assert [kind for kind, _ in _kinds(summary)] == ["step", "step"]
    assert "RULE: not in this order" in summary.shortcomings[0].text.en
    assert summary.shortcomings[0].where.startswith("4 (line ")
    assert "3 steps were not taken" in summary.shortcomings[1].text.en


async def test_nobody_there_is_told_within_the_patience(tmp_path: Path) -> None:
    services = FakeServices()
    services.failing["ApplyDirectory"] = 1000
    terms = Terms(patience=Patience(attempt_s=0.5, total_s=0.5))
    with pytest.raises(CallFailed, match="UNAVAILABLE"):
        await _play(small_case(tmp_path), services, terms=terms)


async def test_an_answer_that_is_not_as_expected_ends_the_case(tmp_path: Path) -> None:
    text = CASE.replace("expect: {episode.state: OPEN}", "expect: {episode.state: CLOSED}")
    summary = await _play(small_case(tmp_path, text), FakeServices())
    assert "episode.state is OPEN, not CLOSED" in summary.shortcomings[0].text.en


async def test_what_never_comes_about_ends_the_case(tmp_path: Path) -> None:
    text = CASE.replace("at_least: 2", "at_least: 3").replace(
        '    within_s: 5\n  - at: "2d', '    within_s: 1\n  - at: "2d'
    )
    summary = await _play(small_case(tmp_path, text), FakeServices())
    assert "not within 1 s" in summary.shortcomings[0].text.en


async def test_an_alert_that_never_comes_ends_the_case(tmp_path: Path) -> None:
    text = CASE.replace("match: {rule: ARRIVED", "match: {rule: LEFT").replace(
        "within_s: 5", "within_s: 1", 1
    )
    summary = await _play(small_case(tmp_path, text), FakeServices())
    assert "no alert with rule LEFT" in summary.shortcomings[0].text.en
    assert "there were: ARRIVED" in summary.shortcomings[0].text.en


async def test_a_stream_that_breaks_comes_back_with_its_token(tmp_path: Path) -> None:
    services = FakeServices()
    services.streams_cut = 3
    summary = await _play(small_case(tmp_path), services)
    assert summary.is_ok, _kinds(summary)
    assert services.resume_tokens[0] == ""


async def test_a_stream_that_repeats_itself_is_found(tmp_path: Path) -> None:
    services = FakeServices()
    services.streams_cut = 3
    services.repeat_alerts = True

    class Patient(Observer):
        async def on_step(self, step: Step) -> None:
            if step.number == 7:
                await services.resumed_again.wait()

    summary = await _play(small_case(tmp_path), services, Patient())
    assert {kind for kind, _ in _kinds(summary)} == {"stream"}


async def test_a_clock_without_a_source_is_found(tmp_path: Path) -> None:
    services = FakeServices()
    stop = services._stop_clock

    def without_source(episode: Any) -> None:
        stop(episode)
        episode.clocks[0].ClearField("target_source_text")

    services._stop_clock = without_source  # type: ignore[method-assign]
    summary = await _play(small_case(tmp_path), services)
    # The case's own key says what a clock without any source shows: nothing.
    assert ("clock", "its target has no source or no confidence") in _kinds(summary)


async def test_a_clock_that_differs_is_found(tmp_path: Path) -> None:
    text = CASE.replace('elapsed: "00:40"', 'elapsed: "00:41"')
    summary = await _play(small_case(tmp_path, text), FakeServices())
    assert ("clock", "is 2400 s MET, must be 2460 s MET") in _kinds(summary)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ('within: "00:01"', "was answered after 120.0 s"),
        ("acknowledged_by: other", "was acknowledged by physician, must be other"),
        ("state: TRIGGERED", "is RESOLVED, must be TRIGGERED"),
        ("rule: LEFT", "is there 0 times"),
    ],
)
async def test_an_alert_that_is_not_as_it_must_be_is_found(
    tmp_path: Path, wrong: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.operator.playing.collecting._SETTLE_S", 0.2)
    text = CASE.replace(
        "  physician:", "  other: {name: 他, facility: branch, roles: [clinician]}\n  physician:"
    )
    key = wrong.split(":", maxsplit=1)[0]
    head, expected = text.rsplit("alerts:", maxsplit=1)
    text = f"{head}alerts:{re.sub(rf'{key}: [^,}}]+', wrong, expected, count=1)}"
    summary = await _play(small_case(tmp_path, text), FakeServices())
    assert any(kind == "alert" and fault in said for kind, said in _kinds(summary)), _kinds(summary)


async def test_an_altered_byte_is_found_here_even_when_the_services_say_nothing(tmp_path: Path) -> None:
    services = FakeServices()
    close = services._handlers["CloseEpisode"]

    def alter(request: Any) -> Any:
        reply = close(request)
        services.entries[1].payload += b"\x00"
        return reply

    services._handlers["CloseEpisode"] = alter
    summary = await _play(small_case(tmp_path), services)
    assert {kind for kind, _ in _kinds(summary)} == {"audit"}
    assert summary.shortcomings[0].where.startswith("local episodes/")
    assert "HASH_MISMATCH" in summary.shortcomings[0].text.en


async def test_what_a_service_finds_is_told(tmp_path: Path) -> None:
    services = FakeServices()
    services.findings = [
        audit_service_pb2.Finding(aggregate_id="wards/w", version=3, code="MISSING_EVENT", description="gone")
    ]
    summary = await _play(small_case(tmp_path), services)
    assert ("audit", "MISSING_EVENT: gone") in _kinds(summary)


async def test_pacing_follows_the_case(tmp_path: Path) -> None:
    # The case goes on for two days after its first step: at this speed, for about half a second.
    begun = asyncio.get_running_loop().time()
    await _play(small_case(tmp_path), FakeServices(), terms=Terms(speed=2 * 86_400 / 0.5))
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

    await _play(small_case(tmp_path), FakeServices(), Noting())
    assert seen[:3] == ["start", "1", "1 done"]
    assert seen[-2:] == ["7 done", "end"]


async def test_two_plays_have_the_same_outcome(tmp_path: Path) -> None:
    case = small_case(tmp_path)
    first, second = await _play(case, FakeServices()), await _play(case, FakeServices())
    assert first.outcome == second.outcome
    assert first.variables["patient"] != second.variables["patient"]


async def test_the_document_is_plain_json(tmp_path: Path) -> None:
    summary = await _play(small_case(tmp_path), FakeServices())
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
    await _play(small_case(tmp_path), services)
    assert [request.dry_run for request in services.named("ApplyRoster")] == dry_runs
