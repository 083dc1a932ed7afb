"""The platform's pieces: what is given, the key, and a service as a child process."""

import os
import signal
import stat
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest

from services.operator.platform import launch, service_process
from services.operator.platform.errors import PlatformError
from services.operator.platform.given import given_addresses, given_servers
from services.operator.platform.identity_keys import ensure_contact_keys, ensure_identity_keys
from services.operator.platform.key_folder import ensure_keys
from services.operator.platform.service_process import Ready, ServiceProcess
from services.shared.rpc.signing import SigningKeyError

#: A service that only says that it serves. It lives in a package `services` of its own.
_FAKE = """
import json, os, signal, sys, time
if os.environ.get("FAKE_FAILS"):
    sys.stderr.write("the database is not there\\n")
    sys.exit(3)
print("{half a line", flush=True)
print(json.dumps({"service": "other", "grpc": "x", "operations": None}), flush=True)
if not os.environ.get("FAKE_IS_SILENT"):
    port = os.environ["TIERLINK_FAKE_PORT"]
    ready = {"service": "fake", "grpc": "127.0.0.1:" + port, "operations": None}
    print(json.dumps(ready), flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
time.sleep(60)
"""


def _service(folder: Path, **environment: str) -> ServiceProcess:
    package = folder / "python" / "services"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "fake.py").write_text(_FAKE, "utf-8")
    return ServiceProcess(
        "fake",
        folder=folder / "fake",
        environment={"PYTHONPATH": str(folder / "python"), **environment},
    )


def _wait_until_down(service: ServiceProcess) -> None:
    deadline_s = time.monotonic() + 10
    while service.is_running and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not service.is_running


def test_a_service_is_started_and_stopped(tmp_path: Path) -> None:
    service = _service(tmp_path)
    with pytest.raises(PlatformError, match="was not started"):
        _ = service.ready
    service.start()
    assert isinstance(service.ready, Ready)
    assert service.is_running
    service.stop()
    assert not service.is_running
    with pytest.raises(PlatformError, match="is not running"):
        _ = service.pid


def test_a_service_that_was_killed_comes_back_on_its_port(tmp_path: Path) -> None:
    service = _service(tmp_path)
    service.start()
    before, pid = service.ready, service.pid
    os.kill(pid, signal.SIGKILL)
    _wait_until_down(service)
    service.start()
    try:
        assert service.ready == before
        assert service.pid != pid
    finally:
        service.kill()


def test_a_service_that_ends_while_it_starts_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"status 3 while it started(.|\n)*the database is not there"):
        _service(tmp_path, FAKE_FAILS="1").start()


def test_a_service_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_process, "START_TIMEOUT_S", 0.5)
    service = _service(tmp_path, FAKE_IS_SILENT="1")
    with pytest.raises(PlatformError, match="was not ready after 0 s"):
        service.start()
    assert not service.is_running


def test_a_start_can_be_abandoned(tmp_path: Path) -> None:
    service = _service(tmp_path, FAKE_IS_SILENT="1")
    service.abandon()
    with pytest.raises(PlatformError, match="abandoned"):
        service.start()
    assert not service.is_running


def test_a_services_environment_is_nobody_elses_to_read(tmp_path: Path) -> None:
    service = _service(tmp_path, TIERLINK_FAKE_DSN="postgresql://u:secret@h/d")
    service.start()
    try:
        seen = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert "secret" not in seen
        assert not (tmp_path / "fake" / "environment.json").exists()
    finally:
        service.kill()


def test_the_environment_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    path.write_text("left behind", "utf-8")
    launch.write_environment(path, {"A": "1"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_certificates_of_a_deployment_are_not_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIERLINK_TLS_KEY", "/site.pem")
    monkeypatch.setenv("TIERLINK_DRAIN_TIMEOUT_S", "3")
    written: list[dict[str, str]] = []
    monkeypatch.setattr(launch, "write_environment", lambda path, environment: written.append(environment))
    with pytest.raises(PlatformError):
        _service(tmp_path).start()
    assert "TIERLINK_TLS_KEY" not in written[0]
    assert written[0]["TIERLINK_DRAIN_TIMEOUT_S"] == "3"
    assert sys.executable


def test_what_is_given_is_not_started() -> None:
    given = given_servers({"TIERLINK_KAFKA_BOOTSTRAP": "k:1", "TIERLINK_BED_DSN": "postgresql://b"})
    assert (given.needs_kafka, given.needs_postgres) == (False, True)
    assert given.dsns == {"referral": None, "bed": "postgresql://b", "notification": None}
    assert given_servers({"TIERLINK_KAFKA_BOOTSTRAP": ""}).needs_kafka


def test_addresses_are_given_all_or_not_at_all() -> None:
    variables = {f"TIERLINK_{name}_ADDRESS": f"{name}:1" for name in ("REFERRAL", "BED", "NOTIFICATION")}
    found = given_addresses({**variables, "TIERLINK_CLIENT_TLS_CA": "/ca.pem"})
    assert found is not None
    assert found.of("bed") == "BED:1"
    assert found.tls_ca == Path("/ca.pem")
    assert given_addresses({key: value for key, value in variables.items() if "BED" not in key}) is None


def test_the_key_is_made_once(tmp_path: Path) -> None:
    first, files = ensure_keys(tmp_path / "keys")
    files.jwks.unlink()  # as if the first start had been killed between the two
    second, again = ensure_keys(tmp_path / "keys")
    assert first.kid == second.kid
    assert again.jwks.exists()
    assert stat.S_IMODE(files.private_key.stat().st_mode) == 0o600


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    _, files = ensure_keys(tmp_path)
    files.private_key.write_text("damaged", "utf-8")
    with pytest.raises(SigningKeyError, match="cannot read"):
        ensure_keys(tmp_path)


def test_the_identity_key_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = ensure_identity_keys(tmp_path / "keys")
    assert path.stat().st_mode & 0o777 == 0o600
    written = path.read_text("ascii")
    key_id, _, encoded = written.strip().partition(" ")
    assert (key_id, len(b64decode(encoded))) == ("own", 32)
    assert ensure_identity_keys(tmp_path / "keys") == path
    assert path.read_text("ascii") == written
    assert ensure_identity_keys(tmp_path / "others").read_text("ascii") != written
    assert ensure_contact_keys(tmp_path / "keys").read_text("ascii") != written
