"""`tierlink up` from outside: kept data, clean stops, and nothing left behind by kill -9."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.processes import clean_environment, exports_of, run, running, wait_until_gone

pytestmark = pytest.mark.timeout(300)


def _up(folder: Path) -> tuple[str, ...]:
    return ("up", "--data", str(folder), "--lang", "en")


def test_the_data_outlives_ctrl_c_and_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "data with spaces"
    with running(*_up(folder), cwd=tmp_path) as first:
        environment = clean_environment(**exports_of(first))
        first.wait_for("The sample directory, wards and rosters are in force")
        played = run("demo", "--output", "json", environment=environment)
        assert played.returncode == 0, played.stderr[-3000:]
        referral = json.loads(played.stdout)["variables"]["referral"]
        left = first.descendants()
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(60) == 0
        first.wait_for("Stopped; the data is kept")
        assert wait_until_gone(left) == []

    with running(*_up(folder), cwd=tmp_path) as second:
        second.wait_for("Continues with the data in that folder")
        environment = clean_environment(**exports_of(second))
        timeline = run("referral", "timeline", referral, "--output", "json", environment=environment)
        assert timeline.returncode == 0, timeline.stderr
        assert json.loads(timeline.stdout)["audit"]["intact"] is True
        verified = run("audit", "verify", "--output", "json", environment=environment)
        assert verified.returncode == 0, verified.stderr
        assert json.loads(verified.stdout)["intact"] is True
        one = run("audit", "verify", "--aggregate", referral, "--lang", "en", environment=environment)
        assert one.returncode == 0, one.stderr
        assert "referral service" in one.stdout
        nothing = run("audit", "verify", "--aggregate", "referrals/none", environment=environment)
        assert nothing.returncode == 2
        assert "NOT_FOUND" in nothing.stderr
        _checkpoint_and_export(referral, tmp_path, environment)
        left = second.descendants()
        assert len(left) >= 5
        second.process.kill()
        second.process.wait(10)
        assert wait_until_gone(left) == []


def _checkpoint_and_export(referral: str, folder: Path, environment: dict[str, str]) -> None:
    """The three services sign with the platform's own key; an inspector verifies without them."""
    kept, out = str(folder / "kept.jsonl"), str(folder / "export")
    signed = run("audit", "checkpoint", "--out", kept, environment=environment)
    assert signed.returncode == 0, signed.stderr
    against = run("audit", "verify", "--checkpoint", kept, "--output", "json", environment=environment)
    assert against.returncode == 0, against.stdout
    verdicts = [each["verified_by"] for each in json.loads(against.stdout)["services"]]
    assert verdicts[3:] == [f"checkpoint {name} 1" for name in ("referral", "bed", "notification")]
    exported = run("audit", "export", referral, "--out", out, environment=environment)
    assert exported.returncode == 0, exported.stderr
    alone = subprocess.run(
        [sys.executable, "-I", "-S", f"{out}/verify.py"], capture_output=True, text=True, check=False
    )
    assert alone.returncode == 0, alone.stdout


def test_unreachable_services_are_told_soon(tmp_path: Path) -> None:
    addresses = {f"TIERLINK_{name}_ADDRESS": "127.0.0.1:1" for name in ("REFERRAL", "BED", "NOTIFICATION")}
    environment = clean_environment(**addresses, TIERLINK_TOKEN="none")
    verified = run("audit", "verify", environment=environment, timeout_s=30)
    assert verified.returncode == 2
    assert "UNAVAILABLE" in verified.stderr
