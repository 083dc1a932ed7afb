"""`tierlink doctor`: is everything as it must be, and what is to be done where it is not?"""

import asyncio
import logging
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
from services.operator.doctor.examination import examine
from services.operator.doctor.verdict import Level, worst
from services.operator.report.consoles import open_console
from services.operator.report.examination import examination_document, print_examination
from services.operator.report.json_document import print_json
from services.operator.texts import Language
from services.shared.lifecycle.settings import ServiceSettings


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
) -> None:
    """检查 Kafka 与三个服务，逐项给出处理办法 · Looks at Kafka and the services; says what to do.

    0 全部正常 · all green；1 有待处理 · something to do；2 用法错误或均无法连接 · usage, or nobody answers.
    """
    addresses = addresses_of(referral, bed, notification)
    credentials = operator_token(token, key)
    # What a client library says of brokers that are away is in the report.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        # Kafka's TLS and user are named as for the services.
        settings = ServiceSettings(**({"kafka_bootstrap": kafka} if kafka else {}))  # type: ignore[arg-type]
        report = asyncio.run(
            examine(
                addresses,
                settings.kafka(),
                credentials,
                replicas=settings.kafka_replicas,
                own_certificate=settings.kafka_certificate,
            )
        )
    except (OSError, ValueError) as error:
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
