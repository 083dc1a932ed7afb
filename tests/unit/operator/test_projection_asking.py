"""A rebuild outlives a restart of the service, and nothing else."""

from collections.abc import AsyncIterator
from io import StringIO
from typing import Any, cast

import asyncpg
import grpc
import pytest
import typer
from rich.console import Console

from services.operator.commands import projection_asking
from services.operator.commands.causes import cause
from services.operator.commands.projection_asking import rebuilt
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.projections import Projections
from services.operator.texts import Language
from services.shared.kernel.refusals import DependencyDown, KafkaAway
from services.shared.rpc.error_table import failure_of
from tierlink.projection.v1 import projection_service_pb2 as pb


class Restarting:
    """Breaks off with each of these codes in turn, after a message; then comes to its end."""

    def __init__(self, *codes: grpc.StatusCode) -> None:
        self.left = list(codes)
        self.runs = 0

    async def run(self, name: str) -> AsyncIterator[pb.RunRebuildResponse]:
        self.runs += 1
        yield pb.RunRebuildResponse(built_count=self.runs, aggregates_count=9)
        if self.left:
            error: Any = grpc.aio.AioRpcError(self.left.pop(0), grpc.aio.Metadata(), grpc.aio.Metadata())
            raise CallFailed("RunRebuild", error, 1)
        yield pb.RunRebuildResponse(events_count=7, behind_count=2, complete=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection_asking, "_AGAIN_S", 0.0)


async def test_it_goes_on_when_the_service_is_back() -> None:
    models, out = Restarting(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE), StringIO()
    await rebuilt(cast("Projections", models), "listing", Console(file=out, width=160), Language.EN)
    assert models.runs == 3
    assert "7 events folded; 2 aggregates lack events still" in out.getvalue()


async def test_a_refusal_ends_it() -> None:
    models = Restarting(grpc.StatusCode.NOT_FOUND)
    with pytest.raises(CallFailed):
        await rebuilt(cast("Projections", models), "listing", Console(file=StringIO()), Language.EN)
    assert models.runs == 1


@pytest.mark.parametrize(
    ("refusal", "language", "told"),
    [
        (
            KafkaAway("no consumer: KafkaConnectionError()"),
            Language.ZH,
            "服务读不到 Kafka 中的事件：启动 Kafka",
        ),
        (
            KafkaAway("no consumer: KafkaConnectionError()"),
            Language.EN,
            "the service cannot read from Kafka: start",
        ),
        (DependencyDown("postgresql", "away"), Language.ZH, "服务或其数据库不可用"),
        (DependencyDown("postgresql", "away"), Language.EN, "the service or its database is not available"),
    ],
)
def test_what_is_away_is_told_with_what_to_do(refusal: DependencyDown, language: Language, told: str) -> None:
    failure = failure_of(refusal)
    trailing = grpc.aio.Metadata(*failure.trailing_metadata())
    error = grpc.aio.AioRpcError(failure.code, grpc.aio.Metadata(), trailing, failure.message)
    said = cause(CallFailed("RunRebuild", error, 1), language)
    assert said.startswith(told) and "tierlink doctor" in said
    assert "KafkaConnectionError" not in said
    assert "away" in said or isinstance(refusal, KafkaAway)


@pytest.mark.parametrize(
    ("language", "told"),
    [(Language.ZH, "PostgreSQL 拒绝登录"), (Language.EN, "PostgreSQL refuses our user or password")],
)
def test_a_wrong_password_is_told_with_where_to_look(language: Language, told: str) -> None:
    said = cause(asyncpg.InvalidPasswordError('password authentication failed for user "x"'), language)
    assert said.startswith(told)
    assert 'for user "x"' in said
    assert "DSN" in said


async def test_one_that_stays_away_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(projection_asking, "_AWAY_S", -1.0)
    with pytest.raises(typer.Exit) as ended:
        await rebuilt(
            cast("Projections", Restarting(grpc.StatusCode.UNAVAILABLE)),
            "listing",
            Console(file=StringIO()),
            Language.EN,
        )
    assert ended.value.exit_code == 2
    assert "The same command goes on" in capsys.readouterr().err
