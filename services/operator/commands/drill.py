"""`tierlink drill`: does an alert reach somebody? Start one now, and read how they were answered."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import uuid4

import typer

from services.operator.commands.asking import ask_notification
from services.operator.commands.exits import Exit
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    TokenOption,
    operator_token,
)
from services.operator.report.consoles import open_console
from services.operator.report.drills import print_drill_report
from services.operator.report.json_document import message_document, print_json
from services.operator.rpc.values import rfc3339
from services.operator.texts import Language, say
from tierlink.notification.v1 import drill_service_pb2

FacilityOption = Annotated[str, typer.Option("--facility", help="机构 · facility")]

drill = typer.Typer(name="drill", help="演练 · Drills.", no_args_is_help=True)


@drill.command()
def start(
    *,
    facility: FacilityOption,
    centre: Annotated[
        str, typer.Option("--centre", help="中心，如 STROKE，缺省为首个 · centre; the first when left out")
    ] = "",
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """立即发起一次静默演练 · Starts a silent drill now.

    0 已发起 · started；2 无法发起 · impossible.
    """
    fields = {"request_id": str(uuid4()), "facility": facility, "centre": centre}
    answer = ask_notification("StartDrill", fields, notification, operator_token(token, key))
    assert isinstance(answer, drill_service_pb2.StartDrillResponse)
    found = answer.drill
    sys.stdout.write(
        say("drill.started", lang, name=found.name, facility=found.facility, centre=found.centre) + "\n"
    )


@drill.command()
def report(
    *,
    facility: FacilityOption = "",
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="最近天数 · how many days back")] = 30,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """各中心演练响应情况 · How each centre answered its drills.

    0 无漏答 · none was missed；1 有漏答 · some were missed；2 无法读取 · impossible.
    """
    now = datetime.now(UTC)
    fields = {
        "started_from": rfc3339(now - timedelta(days=days)),
        "started_before": rfc3339(now),
        "facility": facility,
    }
    answer = ask_notification("GetDrillReport", fields, notification, operator_token(token, key))
    assert isinstance(answer, drill_service_pb2.GetDrillReportResponse)
    if output is Output.JSON:
        print_json(message_document(answer, is_whole=True))
    else:
        print_drill_report(answer, open_console(), lang)
    if any(each.missed for each in answer.centres):
        raise typer.Exit(int(Exit.FINDINGS))
