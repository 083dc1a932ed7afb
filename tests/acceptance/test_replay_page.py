"""The replay page in a real Chromium: at each moment it shows what the platform answered then."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from services.operator.casefile.packaged import DEFAULT_CASE
from tests.acceptance.board_site import (
    BRANCH,
    CENTRE,
    TELEPHONE,
    WALL,
    Site,
    actor_of,
    browser,
    keep,
    running_site,
)
from tests.acceptance.processes import WARM, clean_environment, run
from tierlink.referral.v1 import referral_pb2
from tierlink.type.v1 import type_pb2

__all__ = ["browser"]

pytestmark = pytest.mark.timeout(300)

_WARD = "jg-stroke"
#: What the page shows at a moment, read from what it has drawn.
_SHOWN = """() => ({
    happened: Number(document.getElementById("happened").dataset.count),
    referrals: Object.fromEntries([...document.querySelectorAll("#map [data-referral]")]
        .map((each) => [each.dataset.referral, each.dataset.state])),
    open: [...document.querySelectorAll("#map [data-alerts][data-state=OPEN]")]
        .reduce((sum, each) => sum + Number(each.dataset.alerts), 0),
    wards: Object.fromEntries([...document.querySelectorAll("#beds [data-ward]")]
        .map((each) => [each.dataset.ward, each.dataset.counts.split(" ").map(Number)])),
    legend: Object.fromEntries([...document.querySelectorAll("#legend li")]
        .map((each) => [each.dataset.line, Number(each.dataset.value)])),
})"""
_NOW_IN_VIEW = """() => {
    const list = document.getElementById("timeline").getBoundingClientRect();
    const line = document.querySelector("#timeline [aria-current]").getBoundingClientRect();
    return line.top >= list.top && line.bottom <= list.bottom;
}"""
#: The labels of those on the way that lie on a facility's name.
_COVERED = """() => {
    const boxes = (selector) => [...document.querySelectorAll(selector)]
        .map((each) => each.getBoundingClientRect());
    const names = boxes("#map .place > text");
    const meet = (one, other) => one.left < other.right && other.left < one.right
        && one.top < other.bottom && other.top < one.bottom;
    return boxes("#map .traveller rect").filter((label) => names.some((name) => meet(label, name))).length;
}"""
_DRAG = """(at) => {
    const slider = document.getElementById("slider");
    slider.value = at;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@dataclass(frozen=True, kw_only=True)
class Played:
    """A platform on which the case was played."""

    site: Site
    folder: Path
    outcome: Any

    def page(self, name: str, *arguments: str) -> Path:
        """A page of what the topics have."""
        path = self.folder / f"{name}.html"
        done = run(
            "events", "page", str(path), *arguments, environment=clean_environment(**self.site.environment)
        )
        assert done.returncode == 0, done.stderr
        return path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("replay-page")
    with running_site(folder) as site:
        done = run(
            "demo",
            "--case",
            str(DEFAULT_CASE),
            "--output",
            "json",
            environment=clean_environment(**WARM, **site.environment),
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield Played(site=site, folder=folder, outcome=json.loads(done.stdout))


def _opened(
    browser: Browser, path: Path, *, language: str = "zh", size: dict[str, int] = WALL
) -> tuple[Page, list[str]]:
    """The page, and what it asked for or complained of: nothing may be in it."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        timezone_id="Asia/Shanghai",
        has_touch=size == TELEPHONE,
    )
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(path.as_uri())
    page.on("request", lambda request: heard.append(request.url))
    if language == "en":
        page.locator("#language").click()
    return page, heard


def _at(page: Page, moment: datetime) -> Any:
    """What the page shows when its slider is dragged to a moment."""
    ms = int(moment.timestamp() * 1000)
    low, high = 0, int(page.locator("#slider").get_attribute("max") or 0)
    while low < high:
        middle = (low + high + 1) // 2
        page.evaluate(_DRAG, middle)
        if int(page.locator("#now").get_attribute("data-at") or 0) <= ms:
            low = middle
        else:
            high = middle - 1
    page.evaluate(_DRAG, low)
    return page.evaluate(_SHOWN)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_dragged_through_the_case_everything_agrees_with_its_timeline(
    browser: Browser, played: Played, language: str
) -> None:
    timeline = played.outcome["timeline"]
    up, down = (each["aggregate"] for each in timeline if each["type"] == "ReferralRequested")
    (episode,) = (each["aggregate"] for each in timeline if each["type"] == "EpisodeOpened")
    path = played.page(f"case-{language}", "--episode", episode)
    page, heard = _opened(browser, path, language=language)
    written = json.loads(page.locator("#story").text_content() or "")

    # The lines of the timeline are those of GetTimeline, at the moments that it has.
    kinds = ("referrals/", "episodes/", "consultations/")
    own = [each for each in written["entries"] if each[1].startswith(kinds)]
    wanted = [(_moment(each["occurred_at"]), each["aggregate"], each["type"]) for each in timeline]
    assert sorted(tuple(each[:3]) for each in own) == sorted(
        (int(moment.timestamp() * 1000), name, kind) for moment, name, kind in wanted
    )

    def first(kind: str) -> datetime:
        return min(_moment(each["occurred_at"]) for each in timeline if each["type"] == kind)

    expected = (
        ("ReferralRequested", "REQUESTED", [6, 0, 0]),
        ("ReferralAccepted", "ACCEPTED", [5, 1, 0]),
        ("TransportArranged", "TRANSPORT_ARRANGED", [5, 1, 0]),
        ("PatientDeparted", "IN_TRANSIT", [5, 1, 0]),
        ("PatientArrived", "ARRIVED", [5, 0, 1]),
        ("TreatmentStarted", "IN_TREATMENT", [5, 0, 1]),
        ("TreatmentCompleted", "TREATED", [5, 0, 1]),
    )
    counts = []
    for kind, state, beds in expected:
        shown = _at(page, first(kind))
        assert shown["referrals"].get(up) == state, kind
        assert shown["wards"][_WARD][:3] == beds, kind
        assert shown["legend"]["held"] == beds[1], kind
        assert shown["legend"]["alerts"] == shown["open"], kind
        assert page.evaluate(_NOW_IN_VIEW), kind
        counts.append(shown["happened"])
    assert counts == sorted(set(counts)), "each step is further down the timeline"
    expect(page.locator("#timeline .past")).not_to_have_count(0)
    expect(page.locator("#timeline .coming")).not_to_have_count(0)
    back = max(_moment(each["occurred_at"]) for each in timeline if each["type"] == "PatientDeparted")
    shown = _at(page, back)
    assert shown["referrals"] == {up: "TREATED", down: "IN_TRANSIT"}
    keep(page, f"replay-page-back-{language}")
    assert page.locator("#map .traveller rect").count() and page.evaluate(_COVERED) == 0
    _at(page, first("PatientDeparted"))
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1_300)  # what has just changed stops flashing
    keep(page, f"replay-page-road-{language}")
    assert page.locator("#map .traveller rect").count() and page.evaluate(_COVERED) == 0
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
    assert "replay_page." not in page.locator("body").inner_text()

    page.keyboard.press("End")
    shown = page.evaluate(_SHOWN)
    assert shown["referrals"] == {}
    assert shown["wards"][_WARD][:3] == [6, 0, 0]
    assert shown["happened"] == len(written["entries"])
    assert heard == []
    page.context.close()


def test_at_each_moment_it_shows_what_the_services_answered_then(browser: Browser, played: Played) -> None:
    site = played.site

    def answered(name: str) -> tuple[datetime, str, list[int]]:
        """What they say now, once nothing is on its way any more."""
        said: Any = None
        for _ in range(50):
            before = said
            referral = site.call("GetReferral", actor_of(BRANCH), name=name).referral
            found = site.call("GetAvailability", actor_of(CENTRE), facilities=[CENTRE]).availabilities
            (counts,) = [each.counts for each in found if each.bed_type == type_pb2.BED_TYPE_STROKE_UNIT]
            state = referral_pb2.ReferralState.Name(referral.state).removeprefix("REFERRAL_STATE_")
            said = state, [counts.free, counts.held, counts.occupied]
            if before == said:
                break
            time.sleep(0.5)
        return datetime.now(UTC), *said

    referral = site.refer()
    answers = [answered(referral.name)]
    site.accept(referral.name)
    answers.append(answered(referral.name))
    path = played.page("live", "--clock", "recorded", "--episode", referral.episode)
    page, heard = _opened(browser, path)
    assert [(state, beds) for _, state, beds in answers] == [
        ("REQUESTED", [6, 0, 0]),
        ("ACCEPTED", [5, 1, 0]),
    ]
    for moment, state, beds in answers:
        shown = _at(page, moment)
        assert shown["referrals"] == {referral.name: state}
        assert shown["wards"][_WARD][:3] == beds
    assert heard == []
    page.context.close()


def test_keys_touch_and_a_press_of_play_are_enough(browser: Browser, played: Played) -> None:
    path = played.page("touch", "--lang", "en")
    page, heard = _opened(browser, path, size=TELEPHONE)
    begins = page.locator("#now").inner_text()
    page.locator("#on").tap()
    expect(page.locator("#now")).not_to_have_text(begins)
    page.locator("#back").tap()
    expect(page.locator("#now")).to_have_text(begins)
    page.keyboard.press("+")
    expect(page.locator("#speed")).to_have_value("5")
    page.locator("#play").tap()
    expect(page.locator("#happened")).not_to_have_attribute(
        "data-count", re.compile("^[0-9]$"), timeout=20_000
    )
    page.locator("#play").tap()
    stopped = page.locator("#now").inner_text()
    page.wait_for_timeout(500)
    expect(page.locator("#now")).to_have_text(stopped)
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
    keep(page, "replay-page-en-telephone")
    assert heard == []
    page.context.close()


def test_what_cannot_be_told_is_said_and_no_page_is_replaced(played: Played) -> None:
    environment = clean_environment(**played.site.environment)
    path = played.page("few", "--max", "5", "--lang", "en")
    assert "left_out" in path.read_text("utf-8")
    again = run("events", "page", str(path), environment=environment)
    assert again.returncode == 2, again.stdout
    nothing = run(
        "events", "page", str(played.folder / "no.html"), "--to", "2001-01-01", environment=environment
    )
    assert nothing.returncode == 2
    assert not (played.folder / "no.html").exists()
