"""What a play finds wanting: an answer, a stream, a clock, an alert or a byte that is not as it must be."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.operator.casefile.model import Step
from services.operator.playing.observer import Observer
from tests.unit.operator.fake_services import FakeServices
from tests.unit.operator.quick_plays import kinds, play_quickly
from tests.unit.operator.small_case import CASE, small_case
from tierlink.audit.v1 import audit_service_pb2


async def test_an_answer_that_is_not_as_expected_ends_the_case(tmp_path: Path) -> None:
    text = CASE.replace("expect: {episode.state: OPEN}", "expect: {episode.state: CLOSED}")
    summary = await play_quickly(small_case(tmp_path, text), FakeServices())
    assert "episode.state is OPEN, not CLOSED" in summary.shortcomings[0].text.en


async def test_what_never_comes_about_ends_the_case(tmp_path: Path) -> None:
    text = CASE.replace("at_least: 2", "at_least: 3").replace(
        '    within_s: 5\n  - at: "2d', '    within_s: 1\n  - at: "2d'
    )
    summary = await play_quickly(small_case(tmp_path, text), FakeServices())
    assert "not within 1 s" in summary.shortcomings[0].text.en


async def test_an_alert_that_never_comes_ends_the_case(tmp_path: Path) -> None:
    text = CASE.replace("match: {rule: ARRIVED", "match: {rule: LEFT").replace(
        "within_s: 5", "within_s: 1", 1
    )
    summary = await play_quickly(small_case(tmp_path, text), FakeServices())
    assert "no alert with rule LEFT" in summary.shortcomings[0].text.en
    assert "there were: ARRIVED" in summary.shortcomings[0].text.en


async def test_a_stream_that_repeats_itself_is_found(tmp_path: Path) -> None:
    services = FakeServices()
    services.streams_cut = 3
    services.repeat_alerts = True

    class Patient(Observer):
        async def on_step(self, step: Step) -> None:
            if step.number == 7:
                await services.resumed_again.wait()

    summary = await play_quickly(small_case(tmp_path), services, Patient())
    assert {kind for kind, _ in kinds(summary)} == {"stream"}


async def test_a_clock_without_a_source_is_found(tmp_path: Path) -> None:
    services = FakeServices()
    stop = services._stop_clock

    def without_source(episode: Any) -> None:
        stop(episode)
        episode.clocks[0].ClearField("target_source_text")

    services._stop_clock = without_source  # type: ignore[method-assign]
    summary = await play_quickly(small_case(tmp_path), services)
    # The case's own key says what a clock without any source shows: nothing.
    assert ("clock", "its target has no source or no confidence") in kinds(summary)


async def test_a_clock_that_differs_is_found(tmp_path: Path) -> None:
    text = CASE.replace('elapsed: "00:40"', 'elapsed: "00:41"')
    summary = await play_quickly(small_case(tmp_path, text), FakeServices())
    assert ("clock", "is 2400 s MET, must be 2460 s MET") in kinds(summary)


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
    summary = await play_quickly(small_case(tmp_path, text), FakeServices())
    assert any(kind == "alert" and fault in said for kind, said in kinds(summary)), kinds(summary)


async def test_an_altered_byte_is_found_here_even_when_the_services_say_nothing(tmp_path: Path) -> None:
    services = FakeServices()
    close = services._handlers["CloseEpisode"]

    def alter(request: Any) -> Any:
        reply = close(request)
        services.entries[1].payload += b"\x00"
        return reply

    services._handlers["CloseEpisode"] = alter
    summary = await play_quickly(small_case(tmp_path), services)
    assert {kind for kind, _ in kinds(summary)} == {"audit"}
    assert summary.shortcomings[0].where.startswith("local episodes/")
    assert "HASH_MISMATCH" in summary.shortcomings[0].text.en


async def test_what_a_service_finds_is_told(tmp_path: Path) -> None:
    services = FakeServices()
    services.findings = [
        audit_service_pb2.Finding(aggregate_id="wards/w", version=3, code="MISSING_EVENT", description="gone")
    ]
    summary = await play_quickly(small_case(tmp_path), services)
    assert ("audit", "MISSING_EVENT: gone") in kinds(summary)
