"""Calls become messages: by whom, by which channel, under which name, and what they may say."""

import unicodedata
from dataclasses import replace
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.notification.domain.alert_state import Alert
from services.notification.domain.channel_health import ChannelHealth, SilenceLimits, silence_alarm
from services.notification.domain.delivery import (
    CALL_AGE_MAX,
    RetryPolicy,
    delivery_id,
    is_needed,
    plan,
)
from services.notification.domain.directory import Directory, Facility, FacilityLevel
from services.notification.domain.message import VALUE_LENGTH_MAX, compose, plain
from services.notification.domain.reach import ChannelTraits
from services.notification.domain.rules import EscalationTiming, Fallback
from services.notification.domain.values import AlertCall, DutyStep, Recipient, Severity
from services.shared.kernel.text import BilingualText
from tests.unit.notification.scenario import (
    ACKNOWLEDGED,
    DUTY,
    HOSPITAL,
    NOW,
    TRIGGERED,
    TWO_MINUTES,
    Given,
)

ALERT = Given(None).and_then(TRIGGERED).state
LOUD = frozenset({Severity.CRITICAL, Severity.HIGH})
CHANNELS = {
    "sms": ChannelTraits(name="sms", severities=LOUD),
    "wecom": ChannelTraits(name="wecom", severities=LOUD, for_everybody=True),
    "mail": ChannelTraits(name="mail", severities=frozenset({Severity.INFORMATION})),
}


CALL = TRIGGERED.calls[0]


def names(called: AlertCall, alert: Alert = ALERT, own: tuple[str, ...] = ()) -> list[str]:
    return [each.channel for each in plan(alert, called, channels=CHANNELS, own=own)]


def test_the_rosters_channels_are_used_and_no_others() -> None:
    assert names(CALL, own=("mail",)) == ["sms"]


def test_without_channels_the_contact_points_and_what_is_for_everybody_are_used() -> None:
    called = replace(CALL, channels=())
    assert names(called, own=("sms",)) == ["sms", "wecom"]


def test_a_channel_twice_is_one_message_and_the_board_is_none() -> None:
    called = replace(CALL, channels=("sms", "board", "sms", "stream"))
    assert names(called) == ["sms"]


def test_a_channel_is_used_for_its_severities_alone() -> None:
    called = replace(CALL, channels=("sms", "mail"))
    assert names(called, replace(ALERT, severity=Severity.INFORMATION)) == ["mail"]


def test_a_channel_that_the_site_does_not_have_shows_as_given_up() -> None:
    called = replace(CALL, channels=("pager",))
    (planned,) = plan(ALERT, called, channels=CHANNELS, own=())
    assert planned.refusal == "NO_SUCH_CHANNEL"


def test_the_same_call_has_the_same_name_and_every_other_another() -> None:
    same = delivery_id(ALERT.name, CALL, "sms")
    assert delivery_id(ALERT.name, replace(CALL, name="new name"), "sms") == same
    others = {
        delivery_id(ALERT.name, CALL, "wecom"),
        delivery_id(ALERT.name, TRIGGERED.calls[1], "sms"),
        delivery_id("alerts/other", CALL, "sms"),
    }
    assert len({same, *others}) == 4


def test_an_answered_or_stale_call_is_not_sent() -> None:
    answered = Given(ALERT).and_then(ACKNOWLEDGED, DUTY).state
    assert is_needed(ALERT, "dr-li", NOW, NOW) == ""
    assert is_needed(answered, "dr-li", NOW, NOW) == "ACKNOWLEDGED"
    assert is_needed(ALERT, "dr-li", NOW, NOW + CALL_AGE_MAX + timedelta(seconds=1)) == "TOO_LATE"


def test_tries_are_bounded_and_further_apart_each_time() -> None:
    policy = RetryPolicy(attempts_max=5, first_s=2, max_s=10)
    assert [policy.delay_s(attempts) for attempts in (1, 2, 3, 4, 5)] == [2, 4, 8, 10, None]


# ---- what is said


def directory(name: str) -> Directory:
    known = Facility(id=HOSPITAL, name=BilingualText(zh=name, en=name), level=FacilityLevel.COUNTY)
    return Directory(facilities={HOSPITAL: known})


def test_a_message_says_case_pathway_facility_countdown_and_link() -> None:
    message = compose(
        ALERT, directory("吉木萨尔县人民医院"), language="zh", now=NOW, link="https://a/answer/x", code="x"
    )
    assert message.text == (
        "急诊 卒中：转诊待接收\n编号 0B9C12AB，吉木萨尔县人民医院\n剩余 2 分钟\nhttps://a/answer/x"
    )
    english = compose(ALERT, directory("County Hospital"), language="en", now=NOW + 3 * TWO_MINUTES / 2)
    assert english.text == (
        "Emergency stroke: a referral awaits your answer\nCase 0B9C12AB, County Hospital\noverdue by 1 min"
    )


def test_nothing_of_the_alerts_own_texts_is_said() -> None:
    named = replace(
        ALERT,
        title=BilingualText(zh="王小明", en="Wang Xiaoming"),
        body=BilingualText(zh="王小明 650102199001011234", en="Wang Xiaoming 13999999999"),
    )
    for language in ("zh", "en"):
        said = compose(named, directory("医院"), language=language, now=NOW).text
        assert "王小明" not in said
        assert "Xiaoming" not in said
        assert "6501" not in said


def test_markup_mentions_and_control_characters_of_a_name_are_only_read() -> None:
    hostile = '[点我](http://x) <at user_id="all">\u202e*A*\r\n@all `x`'
    said = compose(ALERT, directory(hostile), language="zh", now=NOW).text
    assert said.count("\n") == 2
    assert not set("[]()<>*@`\u202e\r") & set(said)


@settings(max_examples=200, deadline=None)
@example("0\r\x1b\x850")
@given(st.text(max_size=60))
def test_plain_values_are_bounded_and_have_no_markup(value: str) -> None:
    said = plain(value)
    assert len(said) <= VALUE_LENGTH_MAX
    assert not set("*_~`#[]()<>|@&\\$!{}\r\n\t") & set(said)
    assert all(unicodedata.category(mark)[0] != "C" for mark in said)
    assert plain(said) == said


# ---- a silent channel


def health(**changes: object) -> ChannelHealth:
    working = ChannelHealth(
        channel="sms",
        failures_in_a_row=0,
        last_success_at=NOW - timedelta(minutes=1),
        waiting_since=None,
        silent_since=None,
        alarmed=False,
        read_at=NOW,
    )
    return replace(working, **changes)


LIMITS = SilenceLimits(failures=3, after_s=300)


def test_a_channel_is_silent_after_failures_in_a_row() -> None:
    assert not health(failures_in_a_row=2).is_silent(LIMITS)
    assert health(failures_in_a_row=3).is_silent(LIMITS)


def test_a_channel_is_silent_when_its_work_waits_too_long() -> None:
    long_ago = NOW - timedelta(seconds=301)
    assert health(waiting_since=long_ago, last_success_at=long_ago).is_silent(LIMITS)
    assert health(waiting_since=long_ago, last_success_at=None).is_silent(LIMITS)
    # Something got through meanwhile.
    assert not health(waiting_since=long_ago).is_silent(LIMITS)
    # Nothing was to be sent.
    assert not health(last_success_at=long_ago).is_silent(LIMITS)


def test_an_outage_ends_with_a_success_alone() -> None:
    since = NOW - timedelta(minutes=10)
    assert health(silent_since=since, last_success_at=since - timedelta(hours=1)).is_silent(LIMITS)
    assert not health(silent_since=since).is_silent(LIMITS)


def test_the_alarm_goes_by_another_channel() -> None:
    fallback = Fallback(
        facility="", recipients=(Recipient(user="platform-duty", name="总值班", channels=("sms", "wecom")),)
    )
    timing = EscalationTiming(steps=(DutyStep.FALLBACK,), repeat_s=120, rounds=2, must_be_staffed=False)
    command = silence_alarm("sms", NOW, fallback=fallback, timing=timing)
    assert command.escalation[0].recipients[0].channels == ("wecom",)
    alarm = replace(ALERT, rule=command.rule, subject=command.subject, severity=command.severity)
    assert names(replace(CALL, channels=()), alarm, own=("sms",)) == ["wecom"]
