"""The board in a real Chromium, beside the whole platform: what the staff of a centre see and hear."""

import re
import signal

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.board_site import (
    CENTRE,
    TELEPHONE,
    Site,
    actor_of,
    browser,
    card,
    keep,
    open_board,
    site,
    tones,
)

__all__ = ["browser", "site"]

pytestmark = pytest.mark.timeout(300)

#: A name as nobody has, but as somebody may type: it must stay text.
EVIL_NAME = "<img src=x onerror=\"document.title='owned'\">"


def test_an_alert_sounds_until_somebody_acts_and_every_board_knows(browser: Browser, site: Site) -> None:
    wall, telephone = (
        open_board(browser, site, actor_of(CENTRE)),
        open_board(browser, site, actor_of(CENTRE, "jg-second", EVIL_NAME), language="en", size=TELEPHONE),
    )
    referral = site.refer()
    for page in (wall, telephone):
        expect(card(page, referral)).to_have_class(re.compile("critical open"), timeout=10_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "alarm")
        sounded = tones(page)
        page.wait_for_timeout(4_000)
        # Its pattern begins anew again and again.
        assert tones(page) >= sounded + 3
    keep(wall, "board-alert-zh")
    keep(telephone, "board-alert-en-telephone")
    card(telephone, referral).get_by_role("button").tap()
    for page in (wall, telephone):
        expect(card(page, referral)).to_have_class(re.compile("taken"), timeout=10_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "")
    silent_at = tones(wall)
    wall.wait_for_timeout(2_000)
    assert tones(wall) == silent_at
    # A name is text, whatever is in it.
    expect(card(wall, referral)).to_contain_text(EVIL_NAME)
    assert wall.locator("#alerts img").count() == 0
    assert wall.title() == "Tierlink"
    site.accept(referral.name)
    for page in (wall, telephone):
        expect(card(page, referral)).to_have_count(0, timeout=10_000)
        page.context.close()


def test_the_keyboard_is_enough(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE), language="en")
    referral = site.refer()
    expect(card(page, referral)).to_have_count(1, timeout=10_000)
    page.keyboard.press("m")
    expect(page.locator("body")).to_have_attribute("data-sound", "muted")
    expect(page.locator("body")).to_have_attribute("data-sounding", "")
    # Muted is not acknowledged.
    expect(card(page, referral)).to_have_class(re.compile("open"))
    page.keyboard.press("ArrowDown")
    expect(card(page, referral).locator(".details .key")).to_be_visible()
    keep(page, "board-alert-en")
    page.keyboard.press("a")
    expect(card(page, referral)).to_have_class(re.compile("taken"), timeout=10_000)
    page.keyboard.press("l")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    # Asked, and not yet the patient's hospital: the clocks are what it decides by.
    page.locator(f"#referrals [data-name='{referral.name}']").press("Enter")
    expect(page.locator("#clocks .clock[data-light=GREEN]")).not_to_have_count(0, timeout=10_000)
    expect(page.locator("#gantt svg .mark")).not_to_have_count(0)
    # The destination has no median yet: the page says that the minutes are a setting.
    expect(page.locator("#clocks .door").first).to_contain_text("设定值")
    keep(page, "board-episode-zh")
    site.accept(referral.name)
    page.keyboard.press("b")
    page.wait_for_selector("#wards .bed", timeout=10_000)
    expect(page.locator("#wards .bed.held")).not_to_have_count(0, timeout=15_000)
    keep(page, "bed-map-zh")
    page.context.close()


def test_a_board_that_is_cut_off_says_so_loudly_and_misses_nothing(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE))
    before = site.refer()
    expect(card(page, before)).to_have_count(1, timeout=10_000)
    site.board_process().send_signal(signal.SIGSTOP)
    stopped = site.board_process()
    try:
        expect(page.locator("#connection-lost")).to_be_visible(timeout=15_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "lost")
        keep(page, "board-cut-off-zh")
        during = site.refer()
    finally:
        stopped.kill()  # the platform starts another one on the same port
    page.wait_for_selector("body[data-connection=live]", timeout=60_000)
    expect(page.locator("#connection-lost")).to_be_hidden()
    expect(card(page, during)).to_have_count(1, timeout=10_000)
    expect(card(page, before)).to_have_count(1)
    for referral in (before, during):
        site.accept(referral.name)
    page.context.close()


def test_a_board_whose_services_are_silent_says_so(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE), language="en")
    notification = site.notification_process()
    notification.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("body")).to_have_attribute("data-connection", "outage", timeout=30_000)
        expect(page.locator("#connection-lost")).to_be_visible()
        expect(page.locator("#connection-since")).not_to_be_empty()
        keep(page, "board-outage-en")
    finally:
        notification.send_signal(signal.SIGCONT)
    page.wait_for_selector("body[data-connection=live]", timeout=60_000)
    page.context.close()


def test_a_board_whose_session_ends_says_so_before_and_loudly_after(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE), signed_in_s=25)
    expect(page.locator("#session-ends")).to_be_visible(timeout=10_000)
    page.wait_for_selector("body[data-connection=refused]", timeout=60_000)
    expect(page.locator("#connection-lost")).to_be_visible()
    expect(page.locator("#session-ends")).to_be_hidden()
    expect(page.locator("body")).to_have_attribute("data-sounding", "lost")
    keep(page, "board-signed-out-zh")
    page.locator("#sign-in-again").click()
    page.wait_for_url("**/sign-in")
    # A link that is opened there, as kiosk software does, signs in though nothing is loaded for it.
    page.goto(f"{site.board}/sign-in#token={site.token(actor_of(CENTRE))}")
    page.wait_for_selector("body[data-connection=live]", timeout=30_000)
    assert "token" not in page.url
    page.context.close()


def test_nobody_sees_the_alerts_of_another_facility(browser: Browser, site: Site) -> None:
    branch, other = (
        open_board(browser, site, actor_of(CENTRE)),
        open_board(browser, site, actor_of("jimsar-town")),
    )
    referral = site.refer()
    expect(card(branch, referral)).to_have_count(1, timeout=10_000)
    # What has reached the one board would have reached the other by then: its stream has gone on since.
    other.wait_for_timeout(1_000)
    assert other.locator("#alerts .alert").count() == 0
    assert other.locator("#referrals .referral").count() == 0
    name = branch.evaluate("document.querySelector('#alerts .alert').dataset.name").split("/")[1]
    me = other.evaluate("fetch('/api/me').then((answer) => answer.json())")
    refused = other.evaluate(
        """([name, csrf]) => fetch(`/api/alerts/${name}/acknowledgement`, {
            method: "POST",
            headers: {"content-type": "application/json", "x-tierlink-page": "1", "x-csrf-token": csrf},
            body: JSON.stringify({request_id: "00000000-0000-4000-8000-000000000001"}),
        }).then((answer) => answer.status)""",
        [name, me["csrf_token"]],
    )
    assert refused in (403, 404)
    episode = referral.episode.split("/")[1]
    asked = "(path) => fetch(path).then((answer) => answer.status)"
    assert branch.evaluate(asked, f"/api/episodes/{episode}") == 200
    assert other.evaluate(asked, f"/api/episodes/{episode}") == 404
    # What its own stream has told it so far, and whoever's id it names as its last.
    told = other.evaluate(
        """(after) => new Promise((resolve) => {
            const heard = [];
            const source = new EventSource(`/events?parts=alerts&after=${encodeURIComponent(after)}`);
            source.addEventListener("alerts.change", (event) => heard.push(event.data));
            setTimeout(() => { source.close(); resolve(heard); }, 3000);
        })""",
        "alerts=an-id-of-another-facilitys-stream",
    )
    assert told == []
    site.accept(referral.name)
    for page in (branch, other):
        page.context.close()
