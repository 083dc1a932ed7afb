"""A link answers one alert for one person, once, for a while; every other code learns nothing."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.notification.domain.alert_state import Alert
from services.notification.domain.answer import (
    CODE_LENGTH,
    SAME_ANSWER,
    AnswerAction,
    offered_actions,
)
from services.notification.domain.commands import SettleAlert
from services.notification.domain.values import AlertState
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound
from tests.unit.notification.answer_site import Site
from tests.unit.notification.scenario import HOSPITAL, PREFECTURE, TRIGGER


@pytest.fixture
async def site() -> Site:
    found = Site()
    await found.give(TRIGGER)
    return found


async def test_a_link_is_short_enough_for_an_sms_and_the_same_when_sent_again(site: Site) -> None:
    link = await site.link()
    assert len(link.code) == CODE_LENGTH
    assert link.url == f"https://board/answer/{link.code}"
    assert await site.link() == link
    assert await site.link("dr-wang", delivery="d-2") != link


async def test_looking_changes_nothing(site: Site) -> None:
    code = (await site.link()).code
    for _ in range(3):
        seen = await site.desk.look(code)
        assert seen.actions == (AnswerAction.ACKNOWLEDGE, AnswerAction.ACCEPT, AnswerAction.DECLINE)
    assert (await site.alert()).state is AlertState.TRIGGERED
    assert all(link.used_at is None for link in site.table.links.values())


async def test_acknowledging_is_done_as_the_recipient_once(site: Site) -> None:
    code = (await site.link()).code
    first = await site.redeem(code, "ACKNOWLEDGE")
    alert = await site.alert()
    assert alert.acknowledged_by is not None
    assert (alert.acknowledged_by.user, alert.acknowledged_by.facility) == ("dr-li", HOSPITAL)
    # A double tap is the same command.
    assert (await site.redeem(code, "ACKNOWLEDGE")).request_id == first.request_id
    assert (await site.alert()).version == alert.version
    assert first.token == ""


async def test_a_used_link_is_dead_for_everything_else(site: Site) -> None:
    code = (await site.link()).code
    await site.redeem(code, "ACKNOWLEDGE")
    with pytest.raises(NotFound):
        await site.redeem(code, "ACCEPT")
    with pytest.raises(NotFound):
        await site.desk.look(code)
    site.now += SAME_ANSWER + timedelta(seconds=1)
    with pytest.raises(NotFound):
        await site.redeem(code, "ACKNOWLEDGE")


async def test_accepting_speaks_for_the_recipient_and_for_nobody_else(site: Site) -> None:
    code = (await site.link()).code
    redeemed = await site.redeem(code, "ACCEPT")
    (actor,) = site.tokens.asked
    assert (actor.user, actor.facility, actor.roles) == ("dr-li", HOSPITAL, (Role.CLINICIAN,))
    assert redeemed.referral == TRIGGER.subject
    again = await site.redeem(code, "ACCEPT")
    assert again.request_id == redeemed.request_id
    # The alert is settled by what becomes of the referral.
    assert (await site.alert()).state is AlertState.TRIGGERED


async def test_declining_needs_a_coded_reason_and_burns_nothing_without(site: Site) -> None:
    code = (await site.link()).code
    for reason in ("", "because", "no_bed"):
        with pytest.raises(InvalidInput):
            await site.redeem(code, "DECLINE", reason)
    with pytest.raises(InvalidInput):
        await site.redeem(code, "ACCEPT", "NO_BED")
    redeemed = await site.redeem(code, "DECLINE", "NO_BED")
    assert redeemed.referral == TRIGGER.subject
    # Not even that it was a link once.
    for reason in ("NO_CAPACITY", ""):
        with pytest.raises(NotFound):
            await site.redeem(code, "DECLINE", reason)


async def test_a_link_ends(site: Site) -> None:
    code = (await site.link()).code
    site.now += timedelta(minutes=30)
    with pytest.raises(NotFound):
        await site.desk.look(code)
    with pytest.raises(NotFound):
        await site.redeem(code, "ACKNOWLEDGE")


async def test_a_link_of_a_settled_alert_is_dead(site: Site) -> None:
    code = (await site.link()).code
    await site.give(
        SettleAlert(resolution="ReferralAccepted", cause_event_id="e-9"),
        request="r-2",
    )
    with pytest.raises(NotFound):
        await site.desk.look(code)
    with pytest.raises(NotFound):
        await site.redeem(code, "ACCEPT")
    assert site.tokens.asked == []


async def test_what_another_acknowledged_may_still_be_accepted(site: Site) -> None:
    code = (await site.link()).code
    other = (await site.link("dr-wang", delivery="d-2")).code
    await site.redeem(other, "ACKNOWLEDGE")
    assert (await site.desk.look(code)).actions == (AnswerAction.ACCEPT, AnswerAction.DECLINE)
    with pytest.raises((NotFound, NotAllowed)):
        await site.redeem(code, "ACKNOWLEDGE")


async def test_a_stored_link_that_is_bent_to_another_is_no_link(site: Site) -> None:
    """Whoever writes to the table, and has no key, gets nothing by it."""
    code = (await site.link()).code
    (nonce,) = site.table.links
    kept = site.table.links[nonce]
    for bent in (
        replace(kept, recipient="dr-zhao"),
        replace(kept, facility=PREFECTURE),
        replace(kept, alert="alerts/other"),
        replace(kept, actions=(AnswerAction.ACCEPT,)),
        replace(kept, expires_at=kept.expires_at + timedelta(days=1)),
        replace(kept, delivery="d-9"),
    ):
        site.table.links[nonce] = bent
        with pytest.raises(NotFound):
            await site.redeem(code, "ACCEPT")
    assert site.tokens.asked == []


async def test_one_persons_link_is_not_made_into_anothers(site: Site) -> None:
    mine, theirs = (await site.link()).code, (await site.link("dr-wang", delivery="d-2")).code
    # The nonce of one with the digest of the other.
    head, tail = raw(mine)[:16], raw(theirs)[16:]
    mixed = base64.urlsafe_b64encode(head + tail).rstrip(b"=").decode()
    with pytest.raises(NotFound):
        await site.redeem(mixed, "ACKNOWLEDGE")


def raw(code: str) -> bytes:
    return base64.urlsafe_b64decode(f"{code}=")


async def test_only_the_asked_facilitys_clinicians_decide(site: Site) -> None:
    alert = await site.alert()
    decide = (AnswerAction.ACKNOWLEDGE, AnswerAction.ACCEPT, AnswerAction.DECLINE)
    only = (AnswerAction.ACKNOWLEDGE,)

    def offered(changed: Alert = alert, facility: str = HOSPITAL, *, may: bool = True) -> Any:
        return offered_actions(changed, recipients_facility=facility, may_decide=may)

    assert offered() == decide
    assert offered(facility=PREFECTURE) == only
    assert offered(facility="") == only
    assert offered(may=False) == only
    assert offered(replace(alert, role="referral_office")) == only
    assert offered(replace(alert, action="RerouteReferral")) == only
    assert offered(replace(alert, subject="consultations/1")) == only


async def test_without_a_signing_key_a_link_only_acknowledges() -> None:
    site = Site(minting=False)
    await site.give(TRIGGER)
    code = (await site.link()).code
    assert (await site.desk.look(code)).actions == (AnswerAction.ACKNOWLEDGE,)
    with pytest.raises(NotFound):
        await site.redeem(code, "ACCEPT")
