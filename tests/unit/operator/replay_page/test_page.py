"""The page: texts of events stay texts, it fetches nothing, and it has every word in both languages."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor

from services.operator.page_frame.frame import embedded
from services.operator.replay_page.decoding import Clock
from services.operator.replay_page.document import Made, document
from services.operator.replay_page.page import page
from services.operator.texts import catalogue
from services.referral.domain import labels, timeline_labels
from services.shared.kernel.text import BilingualText
from tests.unit.operator.replay_page.happenings import JOURNEY, told
from tierlink.bed.v1 import bed_events_pb2
from tierlink.notification.v1 import alert_events_pb2, alert_pb2
from tierlink.referral.v1 import (
    consultation_events_pb2,
    episode_events_pb2,
    referral_events_pb2,
    referral_pb2,
    standing_events_pb2,
)
from tierlink.type.v1 import type_pb2

EVIL = "</script><img src=x onerror=\"document.title='owned'\"><!-- <script>\u2028&"
_EVENTS = (
    referral_events_pb2.ReferralEvent,
    episode_events_pb2.EpisodeEvent,
    consultation_events_pb2.ConsultationEvent,
    standing_events_pb2.StandingEvent,
    bed_events_pb2.BedEvent,
    alert_events_pb2.AlertEvent,
)


def _document(text: str = "Emergency") -> dict[str, Any]:
    story = told(JOURNEY)
    alerts = [replace(each, title=BilingualText(zh=text, en=text)) for each in story.alerts]
    made = Made(at=datetime(2026, 11, 22, tzinfo=UTC), clock=Clock.CLINICAL, language="en")
    return document(replace(story, alerts=alerts), made)


def test_texts_of_events_cannot_end_the_element_that_they_stand_in() -> None:
    plain, evil = page(_document()), page(_document(EVIL))
    for part in ("<script", "</script", "<img", "<!--"):
        assert evil.count(part) == plain.count(part), part
    found = re.search(r'<script type="application/json" id="story">(.*?)</script>', evil, re.DOTALL)
    assert found is not None
    assert json.loads(found[1])["alerts"][0]["title"]["en"] == EVIL
    assert "\u2028" not in embedded(_document(EVIL))


def test_nothing_is_fetched_and_only_its_own_scripts_run() -> None:
    written = page(_document())
    assert not re.search(r"<link|<img|<iframe|\bsrc=|url\(|@import|fetch\(|XMLHttpRequest", written)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', written)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    assert policy[1].count("'sha256-") == 2
    assert "script-src 'sha256-" in policy[1]
    assert re.search(r"\bon\w+=\"", written) is None


def test_no_patient_is_in_it() -> None:
    fields = {name for each in _document()["referrals"] for name in each}
    assert fields == {
        "name",
        "case",
        "urgency",
        "pathway",
        "direction",
        "green_channel",
        "track",
    }


def test_an_event_is_called_as_the_timelines_of_the_services_call_it() -> None:
    services = {**timeline_labels._OTHERS, **labels.EVENTS}
    assert {f"event.{name}": pair for name, pair in services.items()}.items() <= catalogue().items()


@pytest.mark.parametrize("event", _EVENTS)
def test_every_event_has_its_words(event: Any) -> None:
    descriptor: Descriptor = event.DESCRIPTOR
    names = {each.message_type.name for each in descriptor.oneofs_by_name["payload"].fields}
    assert {f"event.{name}" for name in names} <= set(catalogue())


@pytest.mark.parametrize(
    ("enum", "keys"),
    [
        (referral_pb2.ReferralState, "state"),
        (type_pb2.BedType, "bed_type"),
        (alert_pb2.Severity, "severity"),
    ],
)
def test_every_value_that_is_shown_has_its_words(enum: Any, keys: str) -> None:
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    names = {each.removeprefix(prefix) for each in enum.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 - no mapping
    assert {f"replay_page.{keys}.{name}" for name in names} <= set(catalogue())


def test_every_text_that_the_script_asks_for_is_there() -> None:
    written = page(_document())
    asked = set(re.findall(r'"(replay_page\.[a-z_]+)"', written.split('id="story"')[0])) | set(
        re.findall(r'say\("(replay_page\.[a-z_.]+)"', written)
    )
    assert len(asked) > 12
    assert asked <= set(catalogue())
