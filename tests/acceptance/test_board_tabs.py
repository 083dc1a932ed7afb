"""Several pages of one browser: it opens six connections to a host for all of them together."""

import json
import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.acceptance.board_site import CENTRE, WALL, Site, actor_of, browser, card, keep, open_board, site

__all__ = ["browser", "site"]

pytestmark = pytest.mark.timeout(300)


def test_three_pages_of_one_browser_are_all_live_and_each_of_them_acts(browser: Browser, site: Site) -> None:
    first = open_board(browser, site, actor_of(CENTRE), language="en")
    asked: list[str] = []
    first.context.on("request", lambda request: "/events" in request.url and asked.append(request.url))
    tabs = [first, *(_tab(first, site) for _ in range(2))]
    beds = first.context.new_page()
    beds.goto(f"{site.board}/beds")
    beds.wait_for_selector("#wards .ward", timeout=15_000)
    for acting in tabs:
        referral = site.refer()
        for page in tabs:
            expect(card(page, referral)).to_have_class(re.compile("critical open"), timeout=10_000)
        card(acting, referral).get_by_role("button").click()
        for page in tabs:
            expect(card(page, referral)).to_have_class(re.compile("taken"), timeout=10_000)
        site.accept(referral.name)
    expect(beds.locator("#wards .bed.held")).to_have_count(3, timeout=15_000)
    # One wire for each of the pages that were opened since.
    assert len(asked) == 3
    keep(first, "board-three-tabs-en")
    first.context.close()


def test_a_page_that_comes_back_misses_nothing_of_any_part(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE))
    before = site.refer()
    expect(card(page, before)).to_have_count(1, timeout=10_000)
    page.context.set_offline(True)
    page.wait_for_selector("body[data-connection=lost]", timeout=15_000)
    during = site.refer()
    site.accept(before.name)
    page.context.set_offline(False)
    page.wait_for_selector("body[data-connection=live]", timeout=30_000)
    expect(card(page, during)).to_have_count(1, timeout=10_000)
    expect(card(page, before)).to_have_count(0)
    row = page.locator(f"#referrals [data-name='{before.name}']")
    expect(row).to_contain_text("已接收", timeout=10_000)
    expect(page.locator(f"#referrals [data-name='{during.name}']")).to_have_count(1)
    site.accept(during.name)
    page.context.close()


def test_a_page_that_is_older_than_its_server_loads_itself_anew(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE))
    loaded: list[str] = []
    page.on("load", lambda _: loaded.append(page.url))
    page.wait_for_timeout(4_000)
    assert loaded == []
    # The server as it is after an update.
    page.route("**/events?*", _after_an_update)
    site.board_process().kill()
    with page.expect_event("load", timeout=60_000):
        pass
    page.unroute("**/events?*")
    page.context.close()


def _after_an_update(route: Route) -> None:
    told = {"now": datetime.now(UTC).isoformat(), "pages": "another"}
    route.fulfill(
        status=200,
        content_type="text/event-stream",
        body=f"event: alerts.heartbeat\ndata: {json.dumps(told)}\n\n",
    )


def _tab(beside: Page, site: Site) -> Page:
    """Another page of the same browser, signed in as it is."""
    page = beside.context.new_page()
    page.set_viewport_size({"width": WALL["width"], "height": WALL["height"]})
    page.goto(f"{site.board}/")
    page.wait_for_selector("body[data-connection=live]", timeout=30_000)
    return page
