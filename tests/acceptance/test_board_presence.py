"""Whether somebody is there: the last board that goes, and drills, in a real Chromium beside the platform."""

import json
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.board_site import (
    CENTRE,
    TELEPHONE,
    WALL,
    Site,
    actor_of,
    browser,
    card,
    keep,
    open_board,
    site,
)

__all__ = ["browser", "site"]

pytestmark = pytest.mark.timeout(300)


def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come about in time"
        time.sleep(0.2)


def test_when_the_last_board_is_closed_people_are_called_and_when_one_is_back_that_is_over(
    browser: Browser, site: Site
) -> None:
    page = open_board(browser, site, actor_of(CENTRE))
    referral = site.refer()
    expect(card(page, referral)).to_have_count(1, timeout=10_000)
    (open_alert,) = [alert for alert in site.alerts_about(referral.name) if alert.rule == "OFFER"]
    assert (open_alert.escalation_step, open_alert.without_board) == (0, False)
    # The tab is closed; the process that served it is as well as ever.
    page.context.close()
    boards = f"boards/{CENTRE}"
    _until(lambda: any(each.rule == "NO_BOARD" for each in site.alerts_about(boards)), 40)

    def is_called() -> bool:
        (alert,) = [each for each in site.alerts_about(referral.name) if each.rule == "OFFER"]
        return bool(alert.escalation_step > 0)

    # Two minutes before its time: nobody waits for a screen.
    _until(is_called, 5)
    during = site.refer()
    _until(lambda: bool(site.alerts_about(during.name)), 10)
    (alert,) = [each for each in site.alerts_about(during.name) if each.rule == "OFFER"]
    assert alert.without_board
    back = open_board(browser, site, actor_of(CENTRE))
    expect(card(back, referral)).to_have_count(1, timeout=10_000)
    card(back, during).click()
    expect(card(back, during).locator(".details")).to_be_visible()
    expect(card(back, during).locator(".key")).to_contain_text(f"OFFER/{during.name}")
    expect(card(back, during).locator(".calls li")).not_to_have_count(0)
    keep(back, "board-details-zh")
    _until(lambda: all(each.state == 3 for each in site.alerts_about(boards)), 15)
    for each in (referral, during):
        site.accept(each.name)
    back.context.close()


def test_a_drill_is_silent_looks_like_one_and_its_answer_is_reported(browser: Browser, site: Site) -> None:
    wall = open_board(browser, site, actor_of(CENTRE), language="en")
    telephone = open_board(browser, site, actor_of(CENTRE, "jg-second"), size=TELEPHONE)
    expect(wall.locator("#alerts .alert")).to_have_count(0, timeout=20_000)
    assert "drills/" in site.tierlink("drill", "start", "--facility", CENTRE, "--lang", "en")
    for page in (wall, telephone):
        expect(page.locator("#alerts .alert.drill")).to_have_count(1, timeout=10_000)
        # A second in which an alarm would have sounded.
        page.wait_for_timeout(1_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "")
    expect(wall.locator("#alerts .drill-mark")).to_have_text("DRILL")
    keep(wall, "board-drill-en")
    keep(telephone, "board-drill-zh-telephone")
    telephone.locator("#alerts .alert.drill").get_by_role("button").click()
    for page in (wall, telephone):
        expect(page.locator("#alerts .alert.drill")).to_have_count(0, timeout=10_000)
    report = json.loads(site.tierlink("drill", "report", "--output", "json"))
    (centre,) = report["centres"]
    assert (centre["facility"], centre["answered"], centre["missed"]) == (CENTRE, 1, 0)
    assert int(centre["median_response_ms"]) > 0
    assert "jimsar-general" in site.tierlink("drill", "report")
    for page in (wall, telephone):
        page.context.close()


def test_a_wall_hangs_for_its_centre_and_a_telephone_is_none(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=WALL, locale="zh-CN")
    wall = context.new_page()
    # Not signed in: the centre of the address goes along.
    wall.goto(f"{site.board}/?centre=STROKE")
    wall.wait_for_url("**/sign-in?centre=STROKE")
    wall.goto(f"{site.board}/sign-in?centre=STROKE#token={site.token(actor_of(CENTRE))}")
    wall.wait_for_url("**/?centre=STROKE")
    expect(wall.locator("#facility")).to_contain_text("卒中中心", timeout=10_000)
    expect(wall.locator("#centre")).to_have_value("STROKE")
    telephone = open_board(browser, site, actor_of(CENTRE, "jg-second"), size=TELEPHONE)
    boards = f"boards/{CENTRE}/STROKE"

    def states() -> dict[str, str]:
        found = json.loads(site.tierlink("board", "list", "--output", "json"))["boards"]
        return {each["name"]: each["state"] for each in found}

    _until(lambda: states().get(boards) == "BOARD_STATE_LIVE", 20)
    # A browser that comes back by itself, without the address, still hangs where it hung.
    wall.goto(f"{site.board}/")
    expect(wall.locator("#centre")).to_have_value("STROKE", timeout=10_000)
    context.close()
    _until(lambda: any(each.rule == "NO_BOARD" for each in site.alerts_about(boards)), 40)
    assert states()[f"boards/{CENTRE}"] == "BOARD_STATE_LIVE"
    expect(telephone.locator("#alerts .alert", has_text="卒中中心提醒屏离线")).to_have_count(
        1, timeout=10_000
    )
    # Whoever hangs up another chooses its centre on the page.
    telephone.locator("#centre").select_option("STROKE")
    expect(telephone.locator("#facility")).to_contain_text("卒中中心")
    _until(lambda: states()[boards] == "BOARD_STATE_LIVE", 20)
    keep(telephone, "board-centre-zh-telephone")
    telephone.goto(f"{site.board}/?centre=PIGEONS")
    expect(telephone.locator("#centre-unknown")).to_contain_text("PIGEONS", timeout=10_000)
    assert "STROKE" in site.tierlink("board", "list", "--lang", "en")
    # Taken down for good, its silence is no outage; the facility's board goes on.
    _until(lambda: states()[boards] == "BOARD_STATE_LOST", 40)
    site.tierlink("board", "withdraw", CENTRE, "--centre", "STROKE", "--reason", "MOVED")
    assert states() == {f"boards/{CENTRE}": "BOARD_STATE_LIVE"}
    telephone.context.close()
