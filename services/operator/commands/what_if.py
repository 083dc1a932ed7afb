"""`tierlink what-if`: what would have happened to recorded referrals under another directory or policy."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from services.operator.casefile.directory import read_directories
from services.operator.commands.causes import kafka_cause
from services.operator.commands.event_options import (
    KafkaOption,
    SinceOption,
    UntilOption,
    kafka_address,
    moment_of,
)
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption, Output, OutputOption
from services.operator.report.consoles import open_console
from services.operator.report.json_document import print_json
from services.operator.rpc.values import build_message
from services.operator.texts import Language, say, text
from services.operator.what_if.asking import NotTried, Order, try_on
from services.operator.what_if.findings import Findings
from services.operator.what_if.page import page
from services.operator.what_if.table import print_findings
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown
from services.shared.located.faults import FaultyFile
from tierlink.referral.v1 import directory_service_pb2

_PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        exists=True,
        dir_okay=False,
        help="要试的规则 YAML，缺省为产品缺省值 · the policy to try; else the product's defaults",
    ),
]
_TargetsOption = Annotated[
    Path | None,
    typer.Option(
        "--targets",
        exists=True,
        dir_okay=False,
        help="时限目标 YAML · the site's own time targets",
    ),
]


def what_if(
    files: Annotated[
        list[Path],
        typer.Argument(help="要试的目录文件，可多个 · the directory files to try", show_default=False),
    ],
    *,
    policy: _PolicyOption = None,
    targets: _TargetsOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    html: Annotated[
        Path | None, typer.Option("--html", dir_okay=False, help="另存为单一网页 · write a page of its own")
    ] = None,
    rows_max: Annotated[int, typer.Option("--max", min=0, help="至多列出几条 · rows shown at most")] = 50,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
) -> None:
    """换目录、换规则，已记录的转诊会怎样 · Recorded referrals under another directory or policy.

    只读事件流，不作任何更改 · reads the streams of events and changes nothing.
    0 已比较 · compared；2 文件有误或无法读取 · faulty file, or impossible.
    """
    if html is not None and html.exists():
        give_up(say("checkpoint.there", lang, path=html))
    order = Order(
        directory=_directory(files),
        policy=policy,
        targets=targets,
        since=moment_of(since),
        until=moment_of(until),
    )
    document = _tried(kafka_address(kafka), order, open_console(stderr=True), lang)
    findings = Findings(document)
    if html is not None:
        names = ", ".join(path.name for path in (*files, *((policy,) if policy else ())))
        tried = text("what_if.tried", files=names, count=len(document["comparisons"]))
        try:
            html.write_text(page(findings, tried, lang), "utf-8")
        except OSError as error:
            give_up(str(error))
    if output is Output.JSON:
        print_json(document)
    else:
        print_findings(findings, open_console(), lang, rows_max=rows_max)


def _directory(files: list[Path]) -> bytes:
    try:
        chosen = read_directories(tuple(files))
        request = build_message(directory_service_pb2.ApplyDirectoryRequest.DESCRIPTOR, chosen.fields())
    except FaultyFile as error:
        give_up("\n" + "\n".join(error.lines()))
    except ValueError as error:
        give_up(str(error))
    return request.SerializeToString(deterministic=True)


def _tried(kafka: KafkaAddress, order: Order, console: Console, language: Language) -> dict[str, Any]:
    with console.status(say("what_if.reading", language, count=0)) as status:

        def note(count: int) -> None:
            status.update(say("what_if.reading", language, count=count))

        try:
            return asyncio.run(try_on(kafka, order, note))
        except NotTried as error:
            give_up("\n" + str(error))
        except (DependencyDown, KafkaError, OSError) as error:
            give_up(kafka_cause(error, kafka, language))
        except KeyboardInterrupt:
            give_up(say("demo.interrupted", language), Exit.INTERRUPTED)
