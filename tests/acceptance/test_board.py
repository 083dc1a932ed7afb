"""The board in a real Chromium, beside the whole platform: what the staff of a centre see and hear."""

import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.signing import read_signing_key, sign_token
from tests.acceptance.processes import Running, running

pytestmark = pytest.mark.timeout(300)

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
WALL = {"width": 1920, "height": 1080}
TELEPHONE = {"width": 390, "height": 844}
BRANCH, CENTRE = "wucaiwan", "jimsar-general"
#: A name as nobody has, but as somebody may type: it must stay text.
EVIL_NAME = "<img src=x onerror=\"document.title='owned'\">"


def _actor(facility: str, user: str = "", name: str = "") -> Actor:
    return Actor(
        user=user or f"{facility}-test", name=name or facility, facility=facility, roles=(Role.CLINICIAN,)
    )


@dataclass(frozen=True, kw_only=True)
class Site:
    """The platform with its board."""

    program: Running
    environment: dict[str, str]
    board: str

    def token(self, actor: Actor) -> str:
        key = read_signing_key(Path(self.environment["TIERLINK_SIGNING_KEY"]))
        return sign_token(key, actor, issued_at=datetime.now(UTC), lifetime_s=3600)

    def call(self, method: str, actor: Actor, **fields: Any) -> Any:
        """One RPC, as a hospital's own system makes it."""
        rpc = rpc_methods()[method]
        request = build_message(rpc.request, {"request_id": str(uuid4()), **fields})
        address = self.environment[f"TIERLINK_{rpc.service.upper()}_ADDRESS"]
        with grpc.insecure_channel(address) as channel:
            invoke: Any = channel.unary_unary(
                rpc.path,
                request_serializer=type(request).SerializeToString,
                response_deserializer=rpc.response_type.FromString,
            )
            metadata = (("authorization", f"Bearer {self.token(actor)}"),)
            return invoke(request, metadata=metadata, timeout=20, wait_for_ready=True)

    def refer(self) -> Any:
        """An emergency from the branch to the centre."""
        reply = self.call(
            "CreateReferral",
            _actor(BRANCH),
            patient=f"patient-{uuid4().hex}",
            destinations=[CENTRE],
            urgency="EMERGENCY",
            pathway="STROKE",
            bed_type="STROKE_UNIT",
            clinical_summary={
                "diagnosis_code": "I63.9",
                "diagnosis_name": "急性脑梗死",
                "referral_reason": "转卒中单元",
            },
            consent={"recorded": True, "given_by": "FAMILY"},
        )
        self.call(
            "RecordMilestone",
            _actor(BRANCH),
            name=reply.referral.episode,
            kind="LAST_KNOWN_WELL",
        )
        return reply.referral

    def accept(self, referral: str) -> None:
        self.call(
            "AcceptReferral",
            _actor(CENTRE),
            name=referral,
            accepting_clinician={"user": "jg-stroke", "name": "值班医师"},
        )

    def board_process(self) -> psutil.Process:
        return next(
            process
            for process in self.program.descendants()
            if process.cmdline()[-1:] == ["services.board"] and process.cmdline()[-2:-1] == ["-m"]
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("board")
    with running("up", "--data", str(folder / "data"), "--lang", "en", cwd=folder) as program:
        link = program.wait_for("/sign-in#token=").strip()
        found = (re.fullmatch(r"export (\w+)=(.*)", line.strip()) for line in program.lines)
        exports = {match.group(1): match.group(2) for match in found if match}
        yield Site(program=program, environment=exports, board=link.partition("/sign-in")[0])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium,
            # As a wall's kiosk is started: it may sound without a person who taps first.
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield started
        started.close()


def _open(
    browser: Browser, site: Site, actor: Actor, *, language: str = "zh", size: dict[str, int] = WALL
) -> Page:
    """A board that is live, in a browser of its own."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
    )
    page = context.new_page()
    page.goto(f"{site.board}/sign-in#token={site.token(actor)}")
    page.wait_for_selector("body[data-connection=live]", timeout=30_000)
    return page


def _card(page: Page, referral: Any) -> Any:
    """The card of a referral's alert: its text names the case."""
    return page.locator("#alerts .alert", has_text=referral.name[10:18].upper())


def _keep(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")


def test_an_alert_sounds_until_somebody_acts_and_every_board_knows(browser: Browser, site: Site) -> None:
    wall, telephone = (
        _open(browser, site, _actor(CENTRE)),
        _open(browser, site, _actor(CENTRE, "jg-second", EVIL_NAME), language="en", size=TELEPHONE),
    )
    referral = site.refer()
    for page in (wall, telephone):
        expect(_card(page, referral)).to_have_class(re.compile("critical open"), timeout=10_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "alarm")
    _keep(wall, "board-alert-zh")
    _keep(telephone, "board-alert-en-telephone")
    _card(telephone, referral).get_by_role("button").click()
    for page in (wall, telephone):
        expect(_card(page, referral)).to_have_class(re.compile("taken"), timeout=10_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "")
    # A name is text, whatever is in it.
    expect(_card(wall, referral)).to_contain_text(EVIL_NAME)
    assert wall.locator("#alerts img").count() == 0
    assert wall.title() == "Tierlink"
    site.accept(referral.name)
    for page in (wall, telephone):
        expect(_card(page, referral)).to_have_count(0, timeout=10_000)
        page.context.close()


def test_the_keyboard_is_enough(browser: Browser, site: Site) -> None:
    page = _open(browser, site, _actor(CENTRE), language="en")
    referral = site.refer()
    expect(_card(page, referral)).to_have_count(1, timeout=10_000)
    page.keyboard.press("m")
    expect(page.locator("body")).to_have_attribute("data-sound", "muted")
    expect(page.locator("body")).to_have_attribute("data-sounding", "")
    # Muted is not acknowledged.
    expect(_card(page, referral)).to_have_class(re.compile("open"))
    page.keyboard.press("ArrowDown")
    _keep(page, "board-alert-en")
    page.keyboard.press("a")
    expect(_card(page, referral)).to_have_class(re.compile("taken"), timeout=10_000)
    page.keyboard.press("l")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    # Asked, and not yet the patient's hospital: the clocks are what it decides by.
    page.locator(f"#referrals [data-name='{referral.name}']").press("Enter")
    expect(page.locator("#clocks .clock[data-light=GREEN]")).not_to_have_count(0, timeout=10_000)
    expect(page.locator("#gantt svg .mark")).not_to_have_count(0)
    _keep(page, "board-episode-zh")
    site.accept(referral.name)
    page.keyboard.press("b")
    page.wait_for_selector("#wards .bed", timeout=10_000)
    expect(page.locator("#wards .bed.held")).not_to_have_count(0, timeout=15_000)
    _keep(page, "bed-map-zh")
    page.context.close()


def test_a_board_that_is_cut_off_says_so_loudly_and_misses_nothing(browser: Browser, site: Site) -> None:
    page = _open(browser, site, _actor(CENTRE))
    before = site.refer()
    expect(_card(page, before)).to_have_count(1, timeout=10_000)
    site.board_process().send_signal(signal.SIGSTOP)
    stopped = site.board_process()
    try:
        expect(page.locator("#connection-lost")).to_be_visible(timeout=15_000)
        expect(page.locator("body")).to_have_attribute("data-sounding", "lost")
        _keep(page, "board-cut-off-zh")
        during = site.refer()
    finally:
        stopped.kill()  # the platform starts another one on the same port
    page.wait_for_selector("body[data-connection=live]", timeout=60_000)
    expect(page.locator("#connection-lost")).to_be_hidden()
    expect(_card(page, during)).to_have_count(1, timeout=10_000)
    expect(_card(page, before)).to_have_count(1)
    for referral in (before, during):
        site.accept(referral.name)
    page.context.close()


def test_a_board_whose_services_are_silent_says_so(browser: Browser, site: Site) -> None:
    page = _open(browser, site, _actor(CENTRE))
    notification = next(
        process
        for process in site.program.descendants()
        if process.cmdline()[-1:] == ["services.notification"] and process.cmdline()[-2:-1] == ["-m"]
    )
    notification.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("body")).to_have_attribute("data-connection", "outage", timeout=30_000)
        expect(page.locator("#connection-lost")).to_be_visible()
    finally:
        notification.send_signal(signal.SIGCONT)
    page.wait_for_selector("body[data-connection=live]", timeout=60_000)
    page.context.close()


def test_nobody_sees_the_alerts_of_another_facility(browser: Browser, site: Site) -> None:
    branch, other = _open(browser, site, _actor(CENTRE)), _open(browser, site, _actor("jimsar-town"))
    referral = site.refer()
    expect(_card(branch, referral)).to_have_count(1, timeout=10_000)
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
    site.accept(referral.name)
    for page in (branch, other):
        page.context.close()
