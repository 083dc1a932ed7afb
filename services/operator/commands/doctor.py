"""`tierlink doctor`: is everything as it must be, and what is to be done where it is not?"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    BedOption,
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    ReferralOption,
    TokenOption,
    addresses_of,
    operator_token,
)
from services.operator.commands.stopping import stopped_by_signals
from services.operator.doctor.examination import Report, examine
from services.operator.doctor.verdict import Level, worst
from services.operator.doctor.watching import DoctorMetrics, DoctorWatch
from services.operator.report.consoles import open_console
from services.operator.report.examination import examination_document, print_examination
from services.operator.report.json_document import print_json
from services.operator.texts import Language, say
from services.shared.lifecycle.settings import ServiceSettings
from services.shared.rpc.channels import Addresses
from services.shared.telemetry.logging import LogSettings, configure_logging
from services.shared.telemetry.metrics import new_registry
from services.shared.telemetry.operations_endpoint import (
    EndpointUnavailableError,
    OperationsEndpoint,
    OperationsSettings,
)

_EVERY_S, _EVERY_S_MIN = 60.0, 10.0
_PORTS = range(65_536)


def doctor(
    *,
    kafka: Annotated[
        str,
        typer.Option(
            "--kafka", envvar="TIERLINK_KAFKA_BOOTSTRAP", help="Kafka 地址 host:port · address of Kafka"
        ),
    ] = "",
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            min=_EVERY_S_MIN,
            help=f"与 --metrics 合用，检查间隔秒数（{_EVERY_S:g}） · with --metrics: seconds between looks",
        ),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            "--metrics",
            metavar="HOST:PORT",
            help="持续检查，结果在 http://HOST:PORT/metrics · go on looking, and serve what is seen there",
        ),
    ] = "",
) -> None:
    """检查 Kafka 与三个服务，逐项给出处理办法 · Looks at Kafka and the services; says what to do.

    0 全部正常 · all green；1 有待处理 · something to do；2 用法错误或均无法连接 · usage, or nobody answers.
    """
    addresses = addresses_of(referral, bed, notification)
    operator_token(token, key)
    if every is not None and not metrics:
        give_up(say("doctor.no_metrics", lang))
    # What a client library says of brokers that are away is in the report.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        # Kafka's TLS and user are named as for the services.
        settings = ServiceSettings(**({"kafka_bootstrap": kafka} if kafka else {}))  # type: ignore[arg-type]
        look = _looking(addresses, settings, token, key)
        if metrics:
            _stay(look, _listening_at(metrics), every or _EVERY_S, lang)
            return
        report = asyncio.run(look())
    except (OSError, ValueError, EndpointUnavailableError) as error:
        give_up(str(error))
    if output is Output.JSON:
        document = examination_document(report.lines)
        print_json(document)
    else:
        print_examination(open_console(), lang, report.lines)
    if report.is_unreachable:
        raise typer.Exit(int(Exit.UNUSABLE))
    if worst(report.lines) is not Level.GREEN:
        raise typer.Exit(int(Exit.FINDINGS))


def _looking(
    addresses: Addresses, settings: ServiceSettings, token: str, key: Path | None
) -> Callable[[], Coroutine[None, None, Report]]:
    async def look() -> Report:
        return await examine(
            addresses,
            settings.kafka(),
            # Anew each time: a token lives for minutes.
            operator_token(token, key),
            replicas=settings.kafka_replicas,
            own_certificate=settings.kafka_certificate,
        )

    return look


def _listening_at(address: str) -> OperationsSettings:
    """Raises ValueError for what is no address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) not in _PORTS:
        raise ValueError(say("doctor.no_address", Language.BOTH, address=address))
    return OperationsSettings(host=host.strip("[]"), port=int(port))


def _stay(
    look: Callable[[], Awaitable[Report]], listening: OperationsSettings, every_s: float, lang: Language
) -> None:
    """Looks until SIGTERM or Ctrl-C, which is all that ends it. Raises EndpointUnavailableError."""
    configure_logging(LogSettings(service="doctor", level="WARNING"))
    registry = new_registry(service="doctor", version=version("tierlink"))
    watch = DoctorWatch(look, DoctorMetrics(registry), every_s=every_s)
    endpoint = OperationsEndpoint(listening, registry=registry, is_ready=watch.has_looked)

    async def serve() -> None:
        with stopped_by_signals():
            port = endpoint.start()
            try:
                address = f"http://{listening.host}:{port}/metrics"
                said = say("doctor.stays", lang, address=address, seconds=f"{every_s:g}")
                sys.stderr.write(f"{said}\n")
                await watch.run()
            finally:
                await endpoint.stop()

    with suppress(asyncio.CancelledError):
        asyncio.run(serve())
