"""The documents' commands and code do what they say: on a platform that `tierlink up` started."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.acceptance.processes import clean_environment, exports_of, running
from tierlink.notification.v1 import alert_service_pb2, alert_service_pb2_grpc

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody who has pasted what `tierlink up` printed, in an activated `.venv`."""
    folder = tmp_path_factory.mktemp("readme")
    with running("up", "--data", str(folder / "data"), "--lang", "en", cwd=folder) as program:
        yield clean_environment(
            **exports_of(program), PATH=os.pathsep.join((str(_PROGRAMS), os.environ["PATH"]))
        )


def _blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)


def _run(code: str, environment: dict[str, str], folder: Path) -> str:
    script = folder / "script.py"
    script.write_text(code, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _as_the_readme_says(environment: dict[str, str]) -> dict[str, str]:
    """The shell after the README's `export TOKEN=…`."""
    line = next(
        line for block in _blocks("README.md", "sh") for line in block.splitlines() if "TOKEN=$" in line
    )
    command = re.fullmatch(r"export TOKEN=\$\((.*)\)", line)
    assert command is not None, line
    signed = subprocess.run(
        command[1].split(), env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return {**environment, "TOKEN": signed.stdout.strip()}


def test_the_client_of_ten_lines_refers_a_patient_and_alerts_a_physician(
    shell: dict[str, str], tmp_path: Path
) -> None:
    (client,) = _blocks("README.md", "python")
    assert len([line for line in client.splitlines() if line.strip()]) <= 10
    printed = _run(client, _as_the_readme_says(shell), tmp_path)
    referral = printed.split()[0]
    assert re.fullmatch(r"referrals/[0-9a-f-]{36}", referral)
    assert "AcceptReferral" in printed

    with grpc.insecure_channel(shell["TIERLINK_NOTIFICATION_ADDRESS"]) as channel:
        stream = alert_service_pb2_grpc.AlertServiceStub(channel).WatchAlerts(
            alert_service_pb2.WatchAlertsRequest(),
            metadata=(("authorization", f"Bearer {shell['TOKEN']}"),),
            timeout=60,
        )
        alert = next(message.alert for message in stream if message.alert.subject == referral)
        stream.cancel()
    assert (alert.rule, alert.facility) == ("OFFER", "jimsar-general")


def test_the_integration_guide_runs_from_top_to_bottom(shell: dict[str, str], tmp_path: Path) -> None:
    blocks = _blocks("docs/guide-integration.md", "python")
    printed = _run("\n".join(blocks), shell, tmp_path)
    for expected in (
        "jimsar-general 95 min",
        "cancel_referral was carried out: 3",
        "acknowledge_offer was refused",
        "STRING_UUID",
        "NOT_ALLOWED_IN_STATE",
        "acknowledged by",
        "referral requested",
    ):
        assert expected in printed
    # By the event, or in the first picture if the bed was held before that was made.
    assert re.search(r"^held: \S+$", printed, re.MULTILINE), printed
