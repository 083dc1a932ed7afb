"""What is printed of a case."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from services.operator.playing.play import Terms, play
from services.operator.playing.summary import Summary
from services.operator.report.formats import milliseconds, span
from services.operator.report.next_steps import next_steps
from services.operator.report.progress import ProgressOnScreen
from services.operator.report.tables import Tables
from services.operator.texts import Language
from services.shared.rpc.signing import generate_signing_key
from tests.unit.operator.fake_services import FakeServices, serving
from tests.unit.operator.small_case import CASE, small_case


async def _play(folder: Path, text: str = CASE, progress: ProgressOnScreen | None = None) -> Summary:
    async with serving(FakeServices()) as addresses:
        return await play(small_case(folder, text), addresses, generate_signing_key(), progress, Terms())


def _printed(summary: Summary, language: Language, *, colours: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=200, force_terminal=colours, color_system="standard" if colours else None
    )
    Tables(console, language).summary(summary, next_steps("referrals/x"))
    return out.getvalue()


async def test_the_report_in_english(tmp_path: Path) -> None:
    printed = _printed(await _play(tmp_path), Language.EN)
    for expected in (
        "Timeline",
        "township",
        "EpisodeOpened",
        "door in",
        "40 min",
        "a source (B)",
        "Arrived",
        "2 min",
        "✓ intact",
        "All as it must be: 7 steps, 4 events, 1 clocks, 1 alerts",
        "tierlink referral timeline referrals/x",
    ):
        assert expected in printed, expected
    assert "时间线" not in printed


async def test_the_report_in_chinese(tmp_path: Path) -> None:
    printed = _printed(await _play(tmp_path), Language.ZH)
    for expected in ("时间线", "乡镇", "入门", "来源 (B)", "到达", "✓ 完整", "全部符合"):
        assert expected in printed, expected
    assert "Timeline" not in printed


async def test_the_report_in_both(tmp_path: Path) -> None:
    printed = _printed(await _play(tmp_path), Language.BOTH)
    assert "时间线 · Timeline" in printed


async def test_what_is_wrong_is_named_in_red_and_nothing_is_recommended(tmp_path: Path) -> None:
    text = CASE.replace('elapsed: "00:40"', 'elapsed: "00:41"')
    printed = _printed(await _play(tmp_path, text), Language.EN, colours=True)
    assert "clock door-to-needle branch: is 2400 s MET, must be 2460 s MET" in printed
    assert "\x1b[31m" in printed or "\x1b[1;31m" in printed
    assert "What to do next" not in printed


async def test_progress_shows_each_step_with_its_person_and_latency(tmp_path: Path) -> None:
    out = io.StringIO()
    with ProgressOnScreen(Console(file=out, width=200), Language.EN) as progress:
        progress.title(small_case(tmp_path))
        await _play(tmp_path, progress=progress)
    printed = out.getvalue()
    assert "T1 · Test" in printed
    assert printed.count(" ✓ ") == 7
    (first,) = (line for line in printed.splitlines() if "Begins" in line)
    assert "01:00" in first
    assert "医师" in first
    assert "OpenEpisode" in first
    assert first.rstrip().endswith("ms")


async def test_progress_shows_why_a_step_failed(tmp_path: Path) -> None:
    out = io.StringIO()
    text = CASE.replace("expect: {episode.state: OPEN}", "expect: {episode.state: CLOSED}")
    with ProgressOnScreen(Console(file=out, width=200), Language.EN) as progress:
        await _play(tmp_path, text, progress)
    assert " ✗ " in out.getvalue()
    assert "episode.state is OPEN, not CLOSED" in out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (5700, "1 h 35 min"),
        (777_600, "9 d"),
        (4500.4, "1 h 15 min"),
    ],
)
def test_spans(seconds: float | None, expected: str) -> None:
    assert span(seconds) == expected


def test_milliseconds() -> None:
    assert milliseconds(12.4) == "12 ms"
    assert milliseconds(None) == "–"
