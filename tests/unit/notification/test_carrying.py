"""What a message carries and to whom, and what the sender finds."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from services.notification.adapters.channels.channel_file import channel_environment, load_channels
from services.notification.application.answer_links import Link
from services.notification.application.channels import Parcel, Receipt, SiteChannel
from services.notification.application.delivery_table import DueDelivery
from services.notification.application.send_deliveries import DeliverySender
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert
from services.notification.domain.contact_values import QuietHours
from services.notification.domain.delivery import is_needed
from services.notification.domain.directory import Directory
from services.notification.domain.events import AcknowledgementGiven
from services.notification.domain.values import Urgency
from services.notification.settings import NotificationSettings
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.reaching import KINDS, NAME, PHONE, ROBOT, SMS, Books, site
from tests.unit.notification.scenario import (
    DUTY,
    NOW,
    SYSTEM,
    TRIGGER,
    TRIGGERED,
    context,
    given,
)


class Sent:
    """A channel, a directory, a table and links in one: keeps what it was told."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.told: list[tuple[str, bool]] = []

    def current(self) -> Directory:
        return Directory()

    async def send(self, parcel: Parcel) -> Receipt:
        self.parcels.append(parcel)
        return Receipt()

    async def link_for(self, due: DueDelivery, alert: Alert, *, language: str) -> Link:
        return Link(url="https://board/answer/secret-code", code="secret-code")

    async def sent(self, *_: object) -> None:
        self.told.append(("SENT", False))

    async def failed(self, due: DueDelivery, detail: str, **how: Any) -> None:
        self.told.append((detail, how["counts"]))


async def sent(channel: SiteChannel, books: Books, **changes: Any) -> Sent:
    """What becomes of the message to dr-li by a channel."""
    kept, runner = Sent(), CommandRunner(MemoryEventStore())

    async def reaction(work: Work) -> None:
        state: Alert | None = await work.load(KINDS.alert, NAME)
        command = replace(TRIGGER, **changes)
        await work.record(KINDS.alert, NAME, alerts.decide(state, command, work.context))

    await runner.react(reaction, context(SYSTEM), target=NAME, inbox=None)
    fake = cast(Any, kept)
    sender = DeliverySender(
        runner=runner,
        kinds=KINDS,
        table=fake,
        contacts=books,
        directory=fake,
        channels={channel.name: replace(channel, channel=fake)},
        links=fake,
        now=lambda: NOW,
        counted=lambda channel, outcome: None,
    )
    due = DueDelivery(
        id="d-1",
        alert=NAME,
        step=0,
        round=1,
        recipient="" if channel.traits.is_shared else "dr-li",
        recipient_name="",
        facility="",
        channel=channel.name,
        called_at=NOW,
        attempt=1,
        refused_before=0,
    )
    await sender.send(due)
    return kept


async def test_only_what_comes_to_one_person_alone_carries_their_link() -> None:
    (to_all,) = (await sent(ROBOT, Books())).parcels
    assert "secret-code" not in repr(to_all)
    (to_one,) = (await sent(SMS, Books(dr_li=(PHONE,)))).parcels
    assert to_one.message.link.endswith("secret-code")
    # A group's robot as somebody's contact point, which the site has declared not to be personal.
    (declared,) = (await sent(replace(SMS, is_personal=False), Books(dr_li=(PHONE,)))).parcels
    assert "secret-code" not in repr(declared)


@pytest.mark.parametrize(
    ("keys", "is_personal", "is_shared"),
    [
        ("for_everybody: true", False, True),
        ("personal: true", True, False),
        ("contact: SIGNED_WEBHOOK", True, False),
        ("contact: SIGNED_WEBHOOK, personal: false", False, False),
    ],
)
def test_what_the_file_says_of_a_channel(
    tmp_path: Path, keys: str, is_personal: bool, is_shared: bool
) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(f"channels: {{his: {{type: signed_webhook, url: 'http://his', {keys}}}}}", "utf-8")
    channel = load_channels(file, {}, lambda: NOW)["his"]
    assert (channel.is_personal, channel.traits.is_shared) == (is_personal, is_shared)


# ---- what the sender finds


async def test_without_a_point_it_is_given_up_and_the_channel_is_not_to_blame() -> None:
    assert (await sent(SMS, Books())).told == [("NO_CONTACT_POINT", False)]


async def test_quiet_hours_are_kept_but_never_in_an_emergency() -> None:
    all_day = QuietHours(starts="00:00", ends="23:59", utc_offset_minutes=0)
    books = Books(dr_li=(replace(PHONE, quiet_hours=all_day),))
    assert (await sent(SMS, books)).told == [("SENT", False)]
    assert (await sent(SMS, books, urgency=Urgency.ROUTINE)).told == [("QUIET_HOURS", False)]


async def test_an_unreadable_book_costs_a_channel_without_addresses_the_language_alone() -> None:
    personal = replace(site("his"), is_personal=True)
    kept = await sent(personal, Books(dr_li=None))
    assert kept.parcels[0].message.language == "zh"
    assert (await sent(SMS, Books(dr_li=None))).told == [("CONTACT_POINTS_UNREADABLE", False)]


def test_of_several_who_must_acknowledge_the_one_who_has_is_told_no_more() -> None:
    one_of_two = AcknowledgementGiven(roles=(), missing_roles=(), missing_count=1)
    answered = given(TRIGGERED).and_then(one_of_two, DUTY).state
    assert is_needed(answered, DUTY.user, NOW, NOW) == "ANSWERED"
    assert is_needed(answered, "dr-wang", NOW, NOW) == ""


# ---- where secrets come from


def test_secrets_are_read_from_the_file_and_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (f"TIERLINK_CHANNEL_{name}=of the file" for name in ("A", "B", "C"))
    (tmp_path / ".env").write_text("\n".join(lines), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERLINK_CHANNEL_A", "of the environment")
    # As for every other setting, one that is empty is not set.
    monkeypatch.setenv("TIERLINK_CHANNEL_B", "")
    found = channel_environment(NotificationSettings)
    assert [found[f"TIERLINK_CHANNEL_{name}"] for name in ("A", "B", "C")] == [
        "of the environment",
        "of the file",
        "of the file",
    ]
