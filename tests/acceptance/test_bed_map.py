"""The bed map in a real Chromium, beside the whole platform: what a bed desk and its neighbours see."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from services.shared.kernel.actor import Actor, Role
from tests.acceptance.board_site import (
    CENTRE,
    TELEPHONE,
    Site,
    actor_of,
    browser,
    keep,
    open_board,
    running_site,
)

__all__ = ["browser"]

pytestmark = pytest.mark.timeout(300)

#: Short enough to see a count grow stale, long enough to see it fresh.
STALE_AFTER_S = 20
DESK = Actor(user="jg-beds", name="床位管理", facility=CENTRE, roles=(Role.BED_DESK,))
OPERATOR = Actor(user="ops", name="运维", facility="", roles=(Role.OPERATOR,))
STROKE_WARD = '[data-ward="jg-stroke"]'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bed-map")
    with running_site(folder, TIERLINK_BED_STALE_AFTER_S=str(STALE_AFTER_S)) as found:
        yield found


def rfc3339(seconds_ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds_ahead)).isoformat().replace("+00:00", "Z")


def open_map(page: Page, site: Site, facility: str = "") -> None:
    page.goto(f"{site.board}/beds" + (f"?facility={facility}" if facility else ""))


def hold(site: Site, *, seconds: float) -> None:
    site.call(
        "HoldBed",
        DESK,
        facility=CENTRE,
        referral=f"referrals/{uuid4()}",
        patient=f"patient-{uuid4().hex}",
        bed_type="STROKE_UNIT",
        expires_at=rfc3339(seconds),
    )


def admit(site: Site, encounter: str) -> None:
    fields = {"facility": CENTRE, "patient": f"patient-{uuid4().hex}", "ward": "jg-stroke"}
    site.call("AdmitPatient", DESK, encounter=encounter, **fields)


def counts_of(site: Site, ward: str) -> dict[str, int]:
    found = site.call("ListBeds", DESK, facility=CENTRE)
    counts: Any = next(each.counts for each in found.wards if each.id == ward)
    return {field.name: value for field, value in counts.ListFields()}


def seconds_shown(page: Page) -> int:
    text = page.locator(f"{STROKE_WARD} .bed.held .hold").first.inner_text()
    found = re.search(r"(\d+):(\d\d)", text)
    assert found, text
    return int(found[1]) * 60 + int(found[2])


def test_a_ward_as_it_changes_by_colour_shape_and_word(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, actor_of(CENTRE))
    open_map(page, site)
    ward = page.locator(STROKE_WARD)
    expect(ward.locator(".bed.free")).to_have_count(6, timeout=15_000)
    expect(ward.locator(".age")).to_have_text("从未核对")
    expect(ward.locator(".age")).to_have_class(re.compile("stale"))
    page.evaluate("window.loadedOnce = true")
    hold(site, seconds=600)
    # From here on without a reload: the page hears of it.
    expect(ward.locator(".bed.held")).to_have_count(1, timeout=5_000)
    expect(ward.locator(".bed.held .hold")).to_contain_text("预留剩余 9:")
    before = seconds_shown(page)
    page.wait_for_timeout(2_500)
    assert 1 <= before - seconds_shown(page) <= 5
    for encounter in ("stay-1", "stay-2"):
        admit(site, encounter)
    site.call("DischargePatient", DESK, facility=CENTRE, encounter="stay-2")
    bed = ward.locator(".bed.free").last.get_attribute("data-bed")
    reason = {"code": "EQUIPMENT", "text": "监护仪维修"}
    site.call("BlockBed", DESK, ward="jg-stroke", bed=bed, reason=reason)
    expect(ward.locator(".bed.blocked")).to_contain_text("监护仪维修", timeout=5_000)
    looks = {}
    for state, shape in {"free": "○", "held": "◐", "occupied": "●", "cleaning": "◇", "blocked": "✕"}.items():
        tile = ward.locator(f".bed.{state}").first
        expect(tile.locator(".shape")).to_have_text(shape, timeout=5_000)
        looks[state] = tile.evaluate(
            "(tile) => getComputedStyle(tile).borderTopColor + getComputedStyle(tile).borderTopStyle"
            " + getComputedStyle(tile.querySelector('.shape')).color + getComputedStyle(tile).opacity"
        )
    assert len(set(looks.values())) == 5, looks
    site.call("ConfirmCounts", DESK, ward="jg-stroke", counts=counts_of(site, "jg-stroke"))
    expect(ward.locator(".age")).to_have_text("刚刚核对", timeout=15_000)
    keep(page, "bed-map-states-zh")
    # It grows stale by the clock alone, past the limit that the service was given.
    expect(ward.locator(".age")).to_contain_text("数据陈旧", timeout=(STALE_AFTER_S + 10) * 1000)
    page.keyboard.press("l")
    expect(ward.locator(".age")).to_contain_text("ask by telephone")
    expect(ward.locator(".bed.held .hold")).to_contain_text("held for")
    keep(page, "bed-map-states-en")
    assert page.evaluate("window.loadedOnce") is True
    page.set_viewport_size({"width": TELEPHONE["width"], "height": TELEPHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
    keep(page, "bed-map-states-en-telephone")
    page.context.close()


def test_a_neighbour_s_beds_are_chosen_by_keyboard_and_kept_in_the_address(
    browser: Browser, site: Site
) -> None:
    page = open_board(browser, site, actor_of(CENTRE))
    open_map(page, site)
    expect(page.locator("#place")).to_have_value(CENTRE, timeout=15_000)
    names = page.locator("#place option")
    expect(names.filter(has_text="五彩湾镇分院")).to_have_count(1, timeout=10_000)
    expect(names.filter(has_text="昌吉州人民医院")).to_have_count(0)
    page.keyboard.press("f")
    # Its own is the first, then those that have beds, by name.
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(r"facility=jimsar-town$"))
    expect(page.locator('[data-ward="jmst-general"] .bed')).to_have_count(15, timeout=10_000)
    expect(page.locator("#facility")).to_have_text("吉木萨尔镇分院")
    page.reload()
    expect(page.locator('[data-ward="jmst-general"] .bed')).to_have_count(15, timeout=10_000)
    page.go_back()
    expect(page.locator(f"{STROKE_WARD} .bed")).to_have_count(6, timeout=10_000)
    page.context.close()


def test_who_has_no_facility_chooses_one(browser: Browser, site: Site) -> None:
    page = open_board(browser, site, OPERATOR, language="en", size=TELEPHONE)
    open_map(page, site)
    expect(page.locator("#beds-choose")).to_be_visible(timeout=15_000)
    expect(page.locator("#beds-away")).to_be_hidden()
    expect(page.locator("#place optgroup")).not_to_have_count(0, timeout=10_000)
    keep(page, "bed-map-choose-en-telephone")
    page.locator("#place").select_option("jimsar-general")
    expect(page.locator(f"{STROKE_WARD} .bed")).to_have_count(6, timeout=10_000)
    expect(page.locator("#beds-choose")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
    keep(page, "bed-map-chosen-en-telephone")
    page.context.close()


def test_a_hold_says_where_the_patient_is_and_when_it_is_overdue(browser: Browser, site: Site) -> None:
    """Hours of an evening in one answer: the page draws what the service says, however it came to that."""
    holds = {
        "b1": {"expires_at": rfc3339(600), "patient_in_transit": True},
        "b2": {"expires_at": rfc3339(-5), "patient_in_transit": True},
        "b3": {"expires_at": rfc3339(-300), "patient_in_transit": True, "overdue_since": rfc3339(-300)},
        "b4": {"expires_at": rfc3339(600), "patient_arrived": True},
        "b5": {"expires_at": rfc3339(-7200), "patient_arrived": True, "overdue_since": rfc3339(-7200)},
        "b6": {"expires_at": rfc3339(-1)},
        # As a stranger is told of it.
        "b7": None,
    }
    beds = [{"id": bed, "state": "BED_STATE_HELD", "hold": each} for bed, each in holds.items()]
    ward = {"id": "w", "bed_type": "BED_TYPE_ICU", "beds": beds, "counts": {"beds": 7, "held": 7}}

    def answer(route: Route) -> None:
        route.fulfill(content_type="application/json", body=orjson.dumps({"wards": [ward]}))

    page = open_board(browser, site, actor_of(CENTRE))
    page.route("**/api/beds?*", answer)
    open_map(page, site)
    said = {
        "b1": (r"患者在途 · 剩余 9:\d\d", r"on the road · 9:\d\d left"),
        "b2": ("患者在途 · 已过预计时间", "on the road · past its time"),
        "b3": (r"患者在途 · ⚠ 超时 5:\d\d", r"on the road · ⚠ overdue 5:\d\d"),
        "b4": (r"患者已到院 · 剩余 9:\d\d", r"arrived · 9:\d\d left"),
        "b5": (r"患者已到院 · ⚠ 超时 2:00:\d\d", r"arrived · ⚠ overdue 2:00:\d\d"),
        "b6": ("预留到期，正在释放", "hold has ended"),
    }
    for at, language in enumerate(("zh", "en")):
        for bed, words in said.items():
            line = page.locator(f'[data-bed="{bed}"] .hold')
            expect(line).to_have_text(re.compile(f"^{words[at]}$"), timeout=15_000)
        keep(page, f"bed-map-holds-{language}")
        page.keyboard.press("l")
    expect(page.locator(".bed.overdue")).to_have_count(2)
    expect(page.locator('[data-bed="b7"] .hold')).to_have_count(0)
    page.context.close()
