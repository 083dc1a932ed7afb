"""The program's commands and their exit codes."""

import ast
import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from services.operator.commands.event_options import kafka_address
from services.operator.commands.serve import PARTS
from services.operator.main import app
from services.shared.lifecycle.settings import Part
from services.shared.rpc.channels import Addresses
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.unit.operator.fake_services import FakeServices, serving
from tests.unit.operator.small_case import CASE, write_case
from tierlink.audit.v1 import audit_service_pb2
from tierlink.referral.v1 import episode_service_pb2

NAME = "referrals/00000000-0000-0000-0000-000000000000"


@contextmanager
def _serving(services: FakeServices) -> Iterator[dict[str, str]]:
    """The fake platform on a loop of its own; the variables that lead to it."""
    started: list[Addresses] = []
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(services) as addresses:
            started.append(addresses)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield {
            f"TIERLINK_{name.upper()}_ADDRESS": address for name, address in started[0].by_service().items()
        }
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@pytest.fixture
def services() -> FakeServices:
    found = FakeServices()
    moment = Timestamp(seconds=1_760_000_000)
    found._open_episode(episode_service_pb2.OpenEpisodeRequest(patient="p", occurred_at=moment))
    return found


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return write_key_files(generate_signing_key(), tmp_path / "keys").private_key


def _invoke(*arguments: str, environment: dict[str, str] | None = None) -> Any:
    clean = {name: "" for name in os.environ if name.startswith("TIERLINK_")}
    return CliRunner().invoke(app, list(arguments), env={**clean, **(environment or {})})


def test_help_names_the_commands() -> None:
    result = _invoke("--help")
    assert result.exit_code == 0
    for command in ("demo", "up", "serve", "token", "referral", "audit"):
        assert command in result.stdout


def test_a_token_says_who_its_bearer_is(key: Path) -> None:
    result = _invoke(
        *("token", "--facility", "wucaiwan", "--role", "clinician", "--role", "bed_desk"),
        *("--name", "医师", "--ttl", "60", "--key", str(key)),
    )
    assert result.exit_code == 0, result.output
    claims = jwt.decode(result.stdout.strip(), options={"verify_signature": False})
    assert claims["facility"] == "wucaiwan"
    assert claims["roles"] == ["clinician", "bed_desk"]
    assert (claims["sub"], claims["name"]) == ("wucaiwan-clinician", "医师")
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "--role", "king", "--key", "KEY"), "king is no role"),
        (("token", "--role", "operator", "--key", "/nowhere.pem"), "cannot read the private key"),
        (("serve", "bed", "--parts", "grpc,engine"), "engine is no part"),
        (("audit", "verify"), "TIERLINK_REFERRAL_ADDRESS"),
        (("referral", "timeline", NAME), "TIERLINK_REFERRAL_ADDRESS"),
        (("referral", "timeline", NAME, "--referral", "127.0.0.1:1"), "--token"),
        (("demo", "--case", "/nowhere.yaml"), "cannot be read"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], said: str, key: Path) -> None:
    result = _invoke(*(str(key) if each == "KEY" else each for each in arguments))
    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_serve_becomes_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: executed.append(arguments))
    assert _invoke("serve", "bed", "--parts", "grpc,relay").exit_code == 0
    ((_, command, environment),) = executed
    assert command[1:] == ["-m", "services.bed"]
    assert environment["TIERLINK_PARTS"] == "grpc,relay"


def test_audit_verify_ends_with_0_when_all_is_intact(services: FakeServices, key: Path) -> None:
    with _serving(services) as addresses:
        result = _invoke("audit", "verify", "--key", str(key), "--lang", "en", environment=addresses)
        document = _invoke("audit", "verify", "--key", str(key), "--output", "json", environment=addresses)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("✓ intact") == 3
    found = json.loads(document.stdout)
    assert found["intact"] is True
    assert [each["verified_by"] for each in found["services"]] == ["referral", "bed", "notification"]


def test_audit_verify_ends_with_1_and_names_what_it_found(services: FakeServices, key: Path) -> None:
    services.findings = [
        audit_service_pb2.Finding(aggregate_id="wards/w", version=3, code="HASH_MISMATCH", description="no")
    ]
    with _serving(services) as addresses:
        result = _invoke("audit", "verify", "--key", str(key), "--lang", "en", environment=addresses)
    assert result.exit_code == 1
    assert "wards/w@3" in result.stdout
    assert "HASH_MISMATCH" in result.stdout


def test_audit_verify_of_one_aggregate_that_is_nowhere_ends_with_2(services: FakeServices, key: Path) -> None:
    with _serving(services) as addresses:
        there = services.entries[0].metadata.aggregate_id
        one = _invoke("audit", "verify", "--aggregate", there, "--key", str(key), environment=addresses)
        none = _invoke("audit", "verify", "--aggregate", "x", "--key", str(key), environment=addresses)
    assert one.exit_code == 0
    assert none.exit_code == 2
    assert "NOT_FOUND" in none.stderr


def test_timeline_is_printed_and_recomputed(services: FakeServices, key: Path) -> None:
    with _serving(services) as addresses:
        result = _invoke("referral", "timeline", NAME, "--key", str(key), environment=addresses)
        document = _invoke(
            "referral", "timeline", NAME, "--key", str(key), "--output", "json", environment=addresses
        )
    assert result.exit_code == 0, result.output
    assert "EpisodeOpened" in result.stdout
    found = json.loads(document.stdout)
    assert found["audit"] == {
        "verified_by": "local",
        "intact": True,
        "aggregates_count": 1,
        "events_count": 1,
        "findings": [],
    }


def test_an_altered_timeline_ends_with_1(services: FakeServices, key: Path) -> None:
    services.entries[0].payload += b"\x00"
    with _serving(services) as addresses:
        result = _invoke("referral", "timeline", NAME, "--key", str(key), environment=addresses)
    assert result.exit_code == 1
    assert "HASH_MISMATCH" in result.stdout


def test_demo_on_given_services(key: Path, tmp_path: Path) -> None:
    case = str(write_case(tmp_path))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(CASE.replace("status: MET", "status: MISSED"), "utf-8")
    with _serving(FakeServices()) as addresses:
        good = _invoke("demo", "--case", case, "--key", str(key), "--output", "json", environment=addresses)
        nobody = _invoke("demo", "--case", case, environment=addresses)
    with _serving(FakeServices()) as addresses:
        bad = _invoke("demo", "--case", str(wrong), "--key", str(key), "--lang", "en", environment=addresses)
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["ok"] is True
    assert bad.exit_code == 1
    assert "must be 2400 s MISSED" in bad.stdout
    assert nobody.exit_code == 2
    assert "--key" in nobody.stderr


def test_kafka_is_spoken_to_as_the_services_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERLINK_KAFKA_USER", "ops")
    monkeypatch.setenv("TIERLINK_KAFKA_TLS", "true")
    address = kafka_address("k:9093")
    assert (address.bootstrap, address.user, address.ssl_context is not None) == ("k:9093", "ops", True)
    monkeypatch.setenv("TIERLINK_KAFKA_CA", "/nowhere/ca.pem")
    with pytest.raises(typer.Exit):
        kafka_address("k:9093")


def test_events_without_kafka_say_what_is_missing() -> None:
    done = _invoke("events", "show", environment={"TIERLINK_KAFKA_BOOTSTRAP": ""})
    assert done.exit_code == 2
    assert "TIERLINK_KAFKA_BOOTSTRAP" in done.stderr


def test_a_command_imports_what_it_needs_and_no_other_command() -> None:
    program = (
        "import sys; from services.operator.main import app\n"
        "app(['token', '--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('services.operator.commands.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    imported = set(ast.literal_eval(done.stdout.splitlines()[-1]))
    assert "services.operator.commands.token" in imported
    assert not imported & {
        f"services.operator.commands.{name}" for name in ("audit", "bench", "demo", "events")
    }


def test_serve_knows_every_part_that_a_process_can_do() -> None:
    assert tuple(part.value for part in Part) == PARTS
