"""Contact points: who sets and reads them, what is wrong with them, and that nothing shows an address."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import pytest

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.adapters.stored_contact_points import StoredContactPoints
from services.notification.application.contact_points import ContactDesk, ContactsUnreadable
from services.notification.domain import contact_points as books
from services.notification.domain.clock_times import is_within
from services.notification.domain.contact_points import ContactBook, ContactPointsChanged, SetContactPoints
from services.notification.domain.contact_values import (
    ContactKind,
    ContactPoint,
    Language,
    QuietHours,
    reachable,
)
from services.notification.domain.roster import Roster
from services.notification.domain.values import Urgency
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, RequestIdReused
from services.shared.sealing.keyed_cipher import SealingKey
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.rosters import OPERATOR, duty, roster_of
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, context, person

T = TypeVar("T")
KEY = SealingKey("k-1", b"\x01" * 32)
SMS = ContactPoint(kind=ContactKind.SMS, address="13900000000", language=Language.ZH)
MAIL = ContactPoint(kind=ContactKind.MAIL, address="dr.li@example.org")
HOOK = ContactPoint(kind=ContactKind.SIGNED_WEBHOOK, address="https://pager.example.org/a", secret="s3cret")
NIGHT = QuietHours(starts="22:00", ends="07:00", utc_offset_minutes=480)
ROSTER = roster_of(duty("dr-li"), duty("dr-chief", step="lead"))
DR_LI = person(Role.CLINICIAN)
CHIEF = person(Role.CLINICIAN, user="dr-chief")
OFFICE = person(Role.REFERRAL_OFFICE, user="office")


def decide(
    *points: ContactPoint,
    by: Actor,
    user: str = "dr-li",
    state: ContactBook | None = None,
    roster: Roster | None = ROSTER,
) -> tuple[ContactPointsChanged, ...]:
    return books.decide(state, SetContactPoints(user=user, points=points), context(by), roster=roster)


def book(facility: str = HOSPITAL, user: str = "dr-li") -> ContactBook:
    metadata = EventMetadata(
        event_id="e-1",
        aggregate_id=books.book_name(user),
        version=1,
        type="ContactPointsChanged",
        occurred_at=NOW,
        recorded_at=NOW,
        actor=DR_LI,
        request_id="r",
    )
    event = ContactPointsChanged(user=user, facility=facility)
    state = books.evolve(None, Recorded(event=event, metadata=metadata))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ContactBook) == state
    return state


@pytest.mark.parametrize("by", [DR_LI, CHIEF, OFFICE, OPERATOR], ids=lambda actor: actor.user)
def test_who_sets_them(by: Actor) -> None:
    assert decide(SMS, by=by, state=book()) == (ContactPointsChanged(user="dr-li", facility=HOSPITAL),)
    assert books.may_read(book(), "dr-li", by, roster=ROSTER, at=NOW)


@pytest.mark.parametrize(
    "by",
    [
        person(Role.CLINICIAN, user="dr-other"),
        person(Role.REFERRAL_OFFICE, user="office", facility=BRANCH),
        person(Role.COORDINATOR, user="co-1"),
        person(Role.SYSTEM, user="system:notification", facility=""),
    ],
    ids=str,
)
def test_who_does_not(by: Actor) -> None:
    with pytest.raises(NotPermitted) as refused:
        decide(SMS, by=by, state=book())
    assert refused.value.reason == "CONTACTS_NOT_THEIRS"
    assert not books.may_read(book(), "dr-li", by, roster=ROSTER, at=NOW)


def test_a_roster_that_names_somebody_elses_people_opens_nothing() -> None:
    """The office of a branch enters a hospital's physician into its own roster: the book stays closed."""
    theirs = roster_of(duty("dr-li", facility=BRANCH), facility=BRANCH)
    office = person(Role.REFERRAL_OFFICE, user="office", facility=BRANCH)
    assert not books.may_read(book(), "dr-li", office, roster=theirs, at=NOW)
    with pytest.raises(NotPermitted):
        decide(SMS, by=office, state=book(), roster=theirs)


def test_a_first_book_is_for_people_of_the_roster_alone() -> None:
    assert decide(SMS, by=OFFICE)[0].facility == HOSPITAL
    with pytest.raises(NotPermitted):
        decide(SMS, by=OFFICE, user="dr-unknown")


def test_ones_own_credentials_say_where_one_works() -> None:
    moved = replace(DR_LI, facility=BRANCH)
    assert decide(SMS, by=moved, state=book(), roster=None)[0].facility == BRANCH
    assert decide(SMS, by=OPERATOR, state=book(BRANCH))[0].facility == BRANCH


@pytest.mark.parametrize(
    ("points", "fields"),
    [
        ((replace(SMS, address="call me"),), ["points[0].address"]),
        ((replace(MAIL, address="dr.li"),), ["points[0].address"]),
        ((SMS, SMS), ["points[1]"]),
        ((HOOK,), ["points[0].kind"]),
        ((replace(SMS, quiet_hours=replace(NIGHT, starts="24:00", ends="7")),),
         ["points[0].quiet_hours.starts", "points[0].quiet_hours.ends"]),
        ((replace(SMS, quiet_hours=replace(NIGHT, utc_offset_minutes=1440)),),
         ["points[0].quiet_hours.utc_offset_minutes"]),
        ((replace(SMS, address=" "), replace(MAIL, address="x")), ["points[0].address", "points[1].address"]),
    ],
)  # fmt: skip
def test_every_fault_at_once_and_no_address_quoted(
    points: tuple[ContactPoint, ...], fields: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        decide(*points, by=DR_LI)
    assert [violation.field for violation in refused.value.violations] == fields
    assert all(point.address.strip() not in str(refused.value) for point in points if point.address.strip())


def test_machines_are_named_by_those_who_keep_the_roster() -> None:
    assert decide(HOOK, by=OFFICE, state=book())


def test_quiet_hours_hold_for_all_but_emergencies() -> None:
    quiet = replace(SMS, quiet_hours=NIGHT)
    at_night = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)  # 23:00 in China
    assert reachable((quiet, MAIL), urgency=Urgency.URGENT, at=at_night) == (MAIL,)
    assert reachable((quiet, MAIL), urgency=Urgency.EMERGENCY, at=at_night) == (quiet, MAIL)
    assert reachable((quiet,), urgency=None, at=at_night) == (quiet,)
    at_seven = datetime(2026, 1, 5, 23, 0, tzinfo=UTC)
    assert reachable((quiet,), urgency=Urgency.ROUTINE, at=at_seven) == (quiet,)


def test_a_span_within_a_day() -> None:
    noon = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
    assert is_within(noon, "11:00", "13:00", 480)
    assert not is_within(noon, "13:00", "14:00", 480)
    assert not is_within(noon, "12:00", "12:00", 480)


class Desk:
    """The use case on a store in memory."""

    def __init__(self, *keys: SealingKey) -> None:
        self.store = MemoryEventStore()
        self.kinds = build_aggregates()
        self.runner = CommandRunner(self.store)
        self.points = StoredContactPoints(self.store, keys or (KEY,))
        self.desk = ContactDesk(self.kinds, self.runner, self.points)

    def set(self, *points: ContactPoint, by: Actor = DR_LI, user: str = "", request: str = "r-1") -> Any:
        command = SetContactPoints(user=user, points=points)
        return run(self.desk.set(command, context(by, request=request), repr(points).encode()))

    def read(self, by: Actor = DR_LI, user: str = "dr-li") -> tuple[ContactPoint, ...]:
        return run(self.desk.read(user, by, NOW))[1]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def test_what_is_set_is_read_in_its_order_and_replaced_whole() -> None:
    desk = Desk()
    assert desk.set(SMS, MAIL).version == 1
    assert desk.read() == (SMS, MAIL)
    assert run(desk.points.of("dr-li")) == (SMS, MAIL)
    assert desk.set(MAIL, request="r-2").version == 2
    assert desk.read() == (MAIL,)
    desk.set(request="r-3")
    assert desk.read() == ()
    assert run(desk.points.of("dr-nobody")) == ()


def test_the_same_request_again_gets_the_first_reply() -> None:
    desk = Desk()
    assert desk.set(SMS).version == 1
    assert desk.set(SMS).repeated
    with pytest.raises(RequestIdReused):
        desk.set(MAIL)


def test_a_secret_is_kept_where_the_point_comes_back_without_it() -> None:
    desk = Desk()
    desk.set(HOOK, by=OPERATOR, user="dr-li")
    desk.set(SMS, replace(HOOK, secret=""), by=OPERATOR, user="dr-li", request="r-2")
    assert run(desk.points.of("dr-li")) == (SMS, HOOK)


def test_strangers_learn_nothing() -> None:
    desk = Desk()
    desk.set(SMS)
    for user in ("dr-li", "dr-nobody"):
        with pytest.raises(NotFound):
            desk.read(by=person(Role.CLINICIAN, user="dr-other"), user=user)


def test_nothing_stored_has_an_address_in_clear() -> None:
    desk = Desk()
    desk.set(SMS, HOOK, by=OPERATOR, user="dr-li")
    document = run(desk.store.load_document("contact_points", "dr-li"))
    stream = run(desk.store.load("contacts/dr-li"))
    assert document is not None and stream is not None
    events = run(desk.store.read_events("contacts/dr-li"))
    stored = [document.value, stream.snapshot, *(event.payload for event in events)]
    assert not [each for each in stored for secret in (SMS.address, HOOK.secret) if secret.encode() in each]
    assert SMS.address not in repr(SMS) and HOOK.secret not in repr(HOOK)


def test_another_key_opens_nothing_and_a_rotated_one_does() -> None:
    desk = Desk()
    desk.set(SMS)
    other = SealingKey("k-2", b"\x02" * 32)
    assert run(StoredContactPoints(desk.store, (other, KEY)).of("dr-li")) == (SMS,)
    with pytest.raises(ContactsUnreadable):
        run(StoredContactPoints(desk.store, (other,)).of("dr-li"))


def test_without_keys_nothing_is_kept() -> None:
    desk = Desk()
    bare = ContactDesk(desk.kinds, desk.runner, None)
    with pytest.raises(NotAllowed) as refused:
        run(bare.set(SetContactPoints(user="", points=(SMS,)), context(DR_LI), b"x"))
    assert refused.value.failed_rules[0].code == "CONTACT_KEYS_MISSING"
