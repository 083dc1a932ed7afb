"""Kafka with TLS, and a password or mutual TLS, PostgreSQL with TLS: all works, and what is wrong is told."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.embedded.databases import drop_database, with_database
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import Given
from services.operator.platform.platform import PlatformSettings, running_platform
from services.operator.playing.play import play
from services.operator.rpc.people import OPERATOR, TokenBook
from services.shared.database.pool import Database
from services.shared.kernel.refusals import DependencyDown
from services.shared.rpc.channels import SERVICES, Addresses
from services.shared.rpc.signing import SigningKey, generate_signing_key
from tests.integration.hospital import new_id, referral_service
from tests.integration.messaging import until
from tests.integration.secure_kafka import PASSWORD, USER, Authority, Listener, SecureKafka
from tests.integration.tls_front import tls_front
from tests.stack import SharedStack

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

NOBODY = Addresses(referral="127.0.0.1:1", bed="127.0.0.1:1", notification="127.0.0.1:1")


@dataclass(frozen=True, kw_only=True)
class Secure:
    """A broker, and who signed what."""

    kafka: SecureKafka
    ours: Authority
    theirs: Authority

    def environment(self, *, password: str = PASSWORD, shown: Path | None = None) -> Mapping[str, str]:
        """What a service or the program is told of Kafka, but its address: a certificate, or a password."""
        if shown is not None:
            own = {f"TIERLINK_KAFKA_{each}": str(shown) for each in ("CERTIFICATE", "KEY")}
            return {"TIERLINK_KAFKA_CA": str(self.ours.path), **own}
        return {
            "TIERLINK_KAFKA_CA": str(self.ours.path),
            "TIERLINK_KAFKA_USER": USER,
            "TIERLINK_KAFKA_PASSWORD": password,
        }

    async def tierlink(
        self,
        *arguments: str,
        listener: str = "good",
        password: str = PASSWORD,
        shown: Path | None = None,
        addresses: Addresses = NOBODY,
        key: SigningKey | None = None,
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of the program."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.operator", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                **self.environment(password=password, shown=shown),
                **{f"TIERLINK_{name.upper()}_ADDRESS": at for name, at in addresses.by_service().items()},
                "TIERLINK_KAFKA_BOOTSTRAP": self.kafka.secure(listener),
                "TIERLINK_TOKEN": TokenBook(key or generate_signing_key()).token(OPERATOR),
            },
        )
        out, said = await process.communicate()
        for text in (out, said):
            assert password.encode() not in text and b"Traceback" not in text, text
        return process.returncode or 0, out.decode(), said.decode()

    async def kafka_lines(self, **options: Any) -> dict[str, dict[str, Any]]:
        """What the doctor says of Kafka, by finding."""
        lines = await self.doctor(**options)
        return {line["finding"]: line for line in lines if line["area"] == "kafka"}

    async def doctor(self, **options: Any) -> list[dict[str, Any]]:
        """All that the doctor says."""
        _, out, _ = await self.tierlink("doctor", "--output", "json", **options)
        lines: list[dict[str, Any]] = json.loads(out)["lines"]
        return lines


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secure]:
    folder = tmp_path_factory.mktemp("secure")
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
    listeners = {
        "good": Listener(certificate=ours.issue("good", days=20)),
        "expired": Listener(certificate=ours.issue("expired", days=-1)),
        "strange": Listener(certificate=theirs.issue("strange", days=20)),
        "mutual": Listener(certificate=ours.issue("mutual", days=20), clients_by=ours.path),
    }
    kafka = SecureKafka(folder / "kafka", listeners)
    await asyncio.to_thread(kafka.start)
    yield Secure(kafka=kafka, ours=ours, theirs=theirs)
    await asyncio.to_thread(kafka.kill)


@pytest.mark.parametrize(
    ("listener", "password", "finding", "words"),
    [
        ("good", "not-the-password", "kafka_password", ("拒绝登录", "refuses our user or password")),
        ("expired", PASSWORD, "kafka_certificate_expired", ("证书已过期", "has expired")),
        ("strange", PASSWORD, "kafka_certificate_untrusted", ("证书不受信任", "is not trusted")),
    ],
)
async def test_what_is_wrong_is_told_by_doctor_and_by_a_command(
    secure: Secure, listener: str, password: str, finding: str, words: tuple[str, str]
) -> None:
    lines = await secure.kafka_lines(listener=listener, password=password)
    assert set(lines) == {finding}
    assert "TIERLINK_KAFKA_" in lines[finding]["to_do"]["en"] or "renew" in lines[finding]["to_do"]["en"]
    for command in (("show", "bed"), ("replay", "bed", "--to-suffix", ".copy")):
        code, _, said = await secure.tierlink("events", *command, listener=listener, password=password)
        assert (code, [word in said for word in words]) == (2, [True, True]), said
        assert secure.kafka.secure(listener) in said


@pytest.mark.parametrize(
    ("signed_by", "days", "alert", "ends"),
    [
        ("ours", -1, "certificate unknown", {"certificate_expired"}),
        ("theirs", 5, "certificate unknown", {"certificate_soon"}),
        ("nobody", 0, "certificate required", set()),
    ],
)
async def test_a_broker_that_does_not_accept_our_certificate_is_told_as_such(
    secure: Secure, signed_by: str, days: int, alert: str, ends: set[str]
) -> None:
    shown = None if signed_by == "nobody" else getattr(secure, signed_by).issue("client", days=days)
    lines = await secure.kafka_lines(listener="mutual", shown=shown)
    assert set(lines) == {"kafka_our_certificate"} | ends
    assert "TIERLINK_KAFKA_KEY" in lines["kafka_our_certificate"]["to_do"]["en"]
    assert all(lines[each]["subject"] == "TIERLINK_KAFKA_CERTIFICATE" for each in ends)
    code, _, said = await secure.tierlink("events", "show", "bed", listener="mutual", shown=shown)
    for part in (secure.kafka.secure("mutual"), "不接受我方证书", "does not accept our certificate", alert):
        assert part in said, said
    assert code == 2


@pytest.mark.parametrize("listener", ["good", "mutual"])
async def test_a_case_is_played_replayed_and_examined_through_tls(
    secure: Secure, stack: SharedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: str
) -> None:
    shown = secure.ours.issue("platform", days=25) if listener == "mutual" else None
    told: dict[str, Any] = {"listener": listener, "shown": shown}
    for name, value in secure.environment(shown=shown).items():
        monkeypatch.setenv(name, value)
    names = {name: f"{name}_{new_id()[:8]}" for name in SERVICES}
    dsns = {name: await stack.create_database(each) for name, each in names.items()}
    async with tls_front(stack.postgres_dsn, secure.ours.issue("database", days=20)) as front:
        given = Given(
            kafka_bootstrap=secure.kafka.secure(listener),
            dsns={name: _verified(front, secure.ours.path, of=dsn) for name, dsn in dsns.items()},
        )
        settings = PlatformSettings(given=given, folder=tmp_path / "platform", with_board=True)
        async with running_platform(settings) as platform:
            # It ends well only where each alert was raised and answered, and each hash is right.
            assert (await play(read_case(DEFAULT_CASE), platform.addresses, platform.key)).is_ok
            order = ("events", "replay", "referral", "--to-suffix", ".copy", "--execute")
            state = ("--state", str(tmp_path / "replay.json"))
            code, _, said = await secure.tierlink(*order, *state, **told)
            assert code == 0, said
            code, _, said = await secure.tierlink(
                "events", "diff", "referral", "--to-suffix", ".copy", **told
            )
            assert code == 0, said
            command = ("events", "show", "availability", "--output", "jsonl")
            code, out, said = await secure.tierlink(*command, **told)
            assert code == 0 and out, "the worker that computes availability is let in as well"
            lines = await secure.doctor(addresses=platform.addresses, key=platform.key, **told)
            worker = [line["finding"] for line in lines if "bed-availability" in line["subject"]]
            assert worker == ["group_good"]
            ends = {
                (line["area"], line["subject"]) for line in lines if line["finding"] == "certificate_ends"
            }
            assert ends == {("kafka", secure.kafka.secure(listener))} | _own(shown)
            findings = {line["finding"] for line in lines if line["area"] == "kafka"}
            assert not {each for each in findings if each.startswith("kafka_")} - {"kafka_reached"}
            logs = b"".join(path.read_bytes() for path in platform.log_paths())
        assert PASSWORD.encode() not in logs
    for dsn in dsns.values():
        await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def test_a_service_with_a_wrong_password_serves_says_so_and_does_not_hammer(
    secure: Secure, stack: SharedStack, tmp_path: Path
) -> None:
    dsn = await stack.create_database(f"wrong_{new_id()[:8]}")
    wrong = "not-the-password-either"
    async with referral_service(
        tmp_path,
        dsn=dsn,
        kafka=secure.kafka.secure("good"),
        parts="grpc,relay,consumer",
        settings=secure.environment(password=wrong),
    ) as (hospital, process):
        assert (await hospital.create()).name
        begun_s, before = time.monotonic(), _refusals(process.log_path)
        await until(lambda: _refusals(process.log_path) >= before + 5)
        rate = (_refusals(process.log_path) - before) / (time.monotonic() - begun_s)
        assert rate < 20, "a second"
        log = process.log_path.read_text()
    assert wrong not in log
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


def _own(shown: Path | None) -> set[tuple[str, str]]:
    """Who says when the certificate ends that they show to Kafka."""
    return set() if shown is None else {(each, "TIERLINK_KAFKA_CERTIFICATE") for each in ("kafka", *SERVICES)}


def _refusals(log: Path) -> int:
    return log.read_text().count("invalid credentials")


@pytest.mark.parametrize(
    ("signed_by", "days", "words"), [("ours", -1, "expired"), ("theirs", 20, "unable to get local issuer")]
)
async def test_a_database_whose_certificate_is_wrong_is_told_as_such(
    secure: Secure, stack: SharedStack, signed_by: str, days: int, words: str
) -> None:
    certificate = getattr(secure, signed_by).issue(f"database-{signed_by}", days=days)
    async with tls_front(stack.postgres_dsn, certificate) as front:
        database = Database(
            _verified(front, secure.ours.path, of=stack.postgres_dsn), application_name="test"
        )
        with pytest.raises(DependencyDown, match=f"certificate is not accepted: .*{words}"):
            await database.fetch_value("SELECT 1")
        await database.close()


def _verified(front: str, ca: Path, *, of: str) -> str:
    """The database of a DSN as it is reached by TLS, its certificate looked at."""
    return f"{with_database(front, of.rpartition('/')[2])}?sslmode=verify-full&sslrootcert={ca}"
