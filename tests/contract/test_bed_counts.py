"""The referral service reads of the bed service's events what the bed service wrote into them."""

from datetime import UTC, datetime, timedelta

from services.bed.adapters.aggregate_codecs import build_aggregates
from services.bed.domain import commands as ask
from services.bed.domain import ward as wards
from services.bed.domain.state import Ward
from services.bed.domain.values import BedType as WardBedType
from services.referral.domain.commands import BedNews
from services.referral.domain.free_beds import WardBeds, followed, free_beds
from services.referral.domain.values import BedType
from services.referral.entrypoints.bed_news import BedWord, read_bed_event
from services.shared.eventstore.aggregate import Loaded, absent, advance
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext

KIND = build_aggregates().ward
NAME = "wards/jg-icu"
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
DESK = Actor(user="desk", name="desk", facility="jimsar-general", roles=(Role.BED_DESK,))
OPERATOR = Actor(user="ops", name="ops", facility="", roles=(Role.OPERATOR,))

STEPS: tuple[tuple[ask.Command, Actor], ...] = (
    (
        ask.ApplyWard(
            facility="jimsar-general",
            ward=ask.WardSpecification(id="jg-icu", bed_type=WardBedType.ICU, bed_count=3),
        ),
        OPERATOR,
    ),
    (ask.OccupyBed(ward="jg-icu", bed="jg-icu-01", patient="P-1"), DESK),
    (
        ask.HoldBed(
            facility="jimsar-general",
            referral="referrals/1",
            patient="P-2",
            bed_type=WardBedType.ICU,
            expires_at=START + timedelta(hours=9),
        ),
        DESK,
    ),
)


def context(minutes: int, actor: Actor) -> CommandContext:
    now = START + timedelta(minutes=minutes)
    return CommandContext(request_id=f"r-{minutes}", actor=actor, occurred_at=now, recorded_at=now)


def published(*steps: tuple[ask.Command, Actor]) -> tuple[list[BedWord], Ward]:
    """What the referral service reads of the events of the commands, given a minute apart."""
    before: Loaded[Ward] = absent(KIND, NAME)
    words: list[BedWord] = []
    for minutes, (command, actor) in enumerate(steps):
        given = context(minutes, actor)
        step = advance(KIND, before, wards.decide(before.state, command, given), given)
        words.extend(read_bed_event(message.value) for message in step.messages)
        before = step.after
    assert before.state is not None
    return words, before.state


def test_what_is_kept_is_the_wards_own_count() -> None:
    _, ward = published(*STEPS)
    confirmation = (ask.ConfirmCounts(ward="jg-icu", counts=ward.counts), DESK)
    words, ward = published(*STEPS, confirmation)
    known: WardBeds | None = None
    for word in words:
        assert word.ward is not None
        known = followed(known, word.ward)
    assert known is not None
    assert (known.ward, known.facility, known.version) == ("jg-icu", "jimsar-general", ward.version)
    for each in ("beds", "free", "held", "occupied", "cleaning", "blocked"):
        assert getattr(known.counts, each) == getattr(ward.counts, each)
    assert known.confirmed_at == ward.confirmed_at == START + timedelta(minutes=3)
    assert known.moved_at == START + timedelta(minutes=2)
    (shown,) = free_beds([known], START + timedelta(minutes=13), 3600)
    assert (shown.bed_type, shown.free, shown.beds, shown.age_s) == (BedType.ICU, 1, 3, 600)


def test_an_event_of_a_referrals_bed_is_both() -> None:
    words, _ = published(*STEPS)
    held = words[-1]
    assert held.referral is not None
    assert (held.referral.referral, held.referral.command.news) == ("referrals/1", BedNews.HELD)
    assert held.ward is not None
    assert held.occurred_at == START + timedelta(minutes=2)
    assert [word.referral for word in words[:-1]] == [None, None]


def test_the_two_services_name_the_same_types_of_beds() -> None:
    assert {each.value for each in WardBedType} == {each.value for each in BedType}
