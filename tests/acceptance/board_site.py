"""The platform with its board and a real Chromium: what the board's acceptance tests stand on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.signing import read_signing_key, sign_token
from tests.acceptance.processes import Running, clean_environment, exports_of, run, running_platform

_COUNT_TONES = """
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
        if (this.context.state === "running") window.tones = (window.tones ?? 0) + 1;
        return start.apply(this, when);
    };
"""

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
WALL = {"width": 1920, "height": 1080}
TELEPHONE = {"width": 390, "height": 844}
BRANCH, CENTRE = "wucaiwan", "jimsar-general"


def actor_of(facility: str, user: str = "", name: str = "") -> Actor:
    return Actor(
        user=user or f"{facility}-test", name=name or facility, facility=facility, roles=(Role.CLINICIAN,)
    )


@dataclass(frozen=True, kw_only=True)
class Site:
    """The platform with its board."""

    program: Running
    environment: dict[str, str]
    board: str

    def token(self, actor: Actor, lifetime_s: int = 3600) -> str:
        key = read_signing_key(Path(self.environment["TIERLINK_SIGNING_KEY"]))
        return sign_token(key, actor, issued_at=datetime.now(UTC), lifetime_s=lifetime_s)

    def call(self, method: str, actor: Actor, **fields: Any) -> Any:
        """One RPC, as a hospital's own system makes it."""
        rpc = rpc_methods()[method]
        is_command = "request_id" in rpc.request.fields_by_name
        given = {"request_id": str(uuid4()), **fields} if is_command else fields
        request = build_message(rpc.request, given)
        address = self.environment[f"TIERLINK_{rpc.service.upper()}_ADDRESS"]
        with grpc.insecure_channel(address) as channel:
            invoke: Any = channel.unary_unary(
                rpc.path,
                request_serializer=type(request).SerializeToString,
                response_deserializer=rpc.response_type.FromString,
            )
            metadata = (("authorization", f"Bearer {self.token(actor)}"),)
            return invoke(request, metadata=metadata, timeout=20, wait_for_ready=True)

    def refer(self, *, well_min_ago: float = 0) -> Any:
        """An emergency from the branch to the centre; the patient was last known well so many minutes ago."""
        reply = self.call(
            "CreateReferral",
            actor_of(BRANCH),
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
        self.record(reply.referral, "LAST_KNOWN_WELL", min_ago=well_min_ago)
        return reply.referral

    def record(self, referral: Any, kind: str, *, min_ago: float) -> None:
        """The branch records a milestone of so many minutes ago."""
        at = datetime.now(UTC) - timedelta(minutes=min_ago)
        self.call(
            "RecordMilestone",
            actor_of(BRANCH),
            name=referral.episode,
            kind=kind,
            occurred_at=at.isoformat(),
        )

    def alerts_about(self, subject: str) -> list[Any]:
        """Alerts of the centre about something, the latest change first."""
        return list(self.call("ListAlerts", actor_of(CENTRE), subject=subject).alerts)

    def tierlink(self, *arguments: str) -> str:
        """What the program prints, as an operator runs it."""
        done = run(*arguments, environment=clean_environment(**self.environment))
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    def accept(self, referral: str) -> None:
        self.call(
            "AcceptReferral",
            actor_of(CENTRE),
            name=referral,
            accepting_clinician={"user": "jg-stroke", "name": "值班医师"},
        )

    def board_process(self) -> psutil.Process:
        return self._process_at(self.board)

    def notification_process(self) -> psutil.Process:
        return self._process_at(self.environment["TIERLINK_NOTIFICATION_ADDRESS"])

    def _process_at(self, address: str) -> psutil.Process:
        port = int(address.rpartition(":")[2])
        return next(
            process
            for process in self.program.descendants()
            for socket in process.net_connections("tcp")
            if socket.status == psutil.CONN_LISTEN and socket.laddr.port == port
        )


@contextmanager
def running_site(folder: Path, **environment: str) -> Iterator[Site]:
    """The platform with its board and the sample site, in a folder of its own."""
    with running_platform(folder, **environment) as program:
        link = program.wait_for("/sign-in#token=").strip()
        yield Site(program=program, environment=exports_of(program), board=link.partition("/sign-in")[0])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("board")
    boards = folder / "boards.yaml"
    # As the product has it, but quicker to call silence an outage.
    boards.write_text(
        "{live_s: 10, limit_s: 12, centres: [STROKE], facilities: [], "
        "drill: {answer_within_s: 600, late_max_s: 60}}"
    )
    with running_site(folder, TIERLINK_NOTIFICATION_BOARDS=str(boards)) as found:
        yield found


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


def open_board(
    browser: Browser,
    site: Site,
    actor: Actor,
    *,
    language: str = "zh",
    size: dict[str, int] = WALL,
    signed_in_s: int = 3600,
) -> Page:
    """A board that is live, in a browser of its own."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        has_touch=size == TELEPHONE,
    )
    # What is really given to the loudspeaker.
    context.add_init_script(_COUNT_TONES)
    page = context.new_page()
    page.goto(f"{site.board}/sign-in#token={site.token(actor, signed_in_s)}")
    page.wait_for_selector("body[data-connection=live]", timeout=30_000)
    return page


def tones(page: Page) -> int:
    """How many tones the page has sounded."""
    return int(page.evaluate("window.tones ?? 0"))


def card(page: Page, referral: Any) -> Any:
    """The card of a referral's alert: its text names the case."""
    return page.locator("#alerts .alert", has_text=referral.name[10:18].upper())


def keep(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")
