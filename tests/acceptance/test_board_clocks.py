"""What is left of a stroke's time: from green to red, with a shape for each; and the whole way in a chart."""

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.board_site import (
    CENTRE,
    TELEPHONE,
    WALL,
    Site,
    actor_of,
    browser,
    keep,
    open_board,
    site,
)

__all__ = ["browser", "site"]

pytestmark = pytest.mark.timeout(300)

#: Of 270 minutes the road takes 95 and the door 60: 115 are left at the start.
LIGHTS = ((20, "GREEN", "●"), (75, "AMBER", "◆"), (100, "RED", "▲"), (125, "OVER", "■"))


def test_the_clock_turns_from_green_to_red_with_the_time_that_is_gone(browser: Browser, site: Site) -> None:
    wall = open_board(browser, site, actor_of(CENTRE), language="en")
    for well_min_ago, light, shape in LIGHTS:
        referral = site.refer(well_min_ago=well_min_ago)
        wall.locator(f"#referrals [data-name='{referral.name}']").click(timeout=10_000)
        clock = wall.locator("#clocks .clock", has_text="onset to needle")
        expect(clock).to_have_attribute("data-light", light, timeout=10_000)
        expect(clock.locator(".shape")).to_have_text(shape)
        if light == "RED":
            keep(wall, "board-clock-red-en")
        site.accept(referral.name)
    wall.context.close()


def test_the_way_of_a_patient_is_a_chart_that_a_wall_and_a_telephone_show_whole(
    browser: Browser, site: Site
) -> None:
    referral = site.refer(well_min_ago=80)
    for kind, min_ago in (("DOOR_IN", 42), ("STROKE_ASSESSED", 36), ("CT_DONE", 22), ("CT_READ", 9)):
        site.record(referral, kind, min_ago=min_ago)
    for language, size, name in (
        ("zh", WALL, "board-gantt-zh"),
        ("en", WALL, "board-gantt-en"),
        ("zh", TELEPHONE, "board-gantt-zh-telephone"),
    ):
        page = open_board(browser, site, actor_of(CENTRE), language=language, size=size)
        page.locator(f"#referrals [data-name='{referral.name}']").click(timeout=10_000)
        expect(page.locator("#gantt svg .mark")).to_have_count(5, timeout=10_000)
        expect(page.locator("#gantt svg .bar")).not_to_have_count(0)
        page.evaluate("window.scrollTo(0, 0)")
        # Nothing is cut off at the side, nor written over another label.
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate(_OVERLAPS) == 0
        expect(page.locator("#gantt .mark-label")).to_have_count(5)
        if size == WALL:
            # Nobody scrolls a wall: the clocks of a whole pathway leave room for beds and referrals.
            assert page.locator("#clocks .clock").count() == 6
            for shown in ("#beds .beds-kind", "#referrals .referral", "#gantt svg"):
                expect(page.locator(shown).first).to_be_in_viewport(ratio=1)
        else:
            page.evaluate("document.querySelector('#gantt').scrollIntoView()")
        keep(page, name)
        page.context.close()
    site.accept(referral.name)


#: Labels of the chart that lie on each other, or outside of it.
_OVERLAPS = """(() => {
    const frame = document.querySelector("#gantt svg").getBoundingClientRect();
    const boxes = [...document.querySelectorAll("#gantt text")].map((each) => each.getBoundingClientRect());
    const outside = boxes.filter((box) => box.left < frame.left - 1 || box.right > frame.right + 1
        || box.bottom > frame.bottom + 1);
    const lie = boxes.filter((one, at) => boxes.some((other, next) => next > at
        && one.left < other.right - 1 && other.left < one.right - 1
        && one.top < other.bottom - 4 && other.top < one.bottom - 4));
    return outside.length + lie.length;
})()"""
