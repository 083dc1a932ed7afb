"""`tierlink roster`: puts a roster file in force, says what that would change, and shows what is missing."""

from pathlib import Path
from typing import Annotated, Any, cast
from uuid import uuid4

import grpc
import typer
from google.protobuf.message import Message

from services.operator.casefile.roster_file import RosterFile, read_roster
from services.operator.commands.asking import FILE, answer_of
from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    TokenOption,
    operator_token,
)
from services.operator.commands.roster_swap import swap
from services.operator.report.json_document import message_document, print_json
from services.operator.report.rosters import print_coverage, print_roster_difference
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language
from services.shared.located.faults import FaultyFile
from tierlink.notification.v1 import roster_service_pb2

roster = typer.Typer(name="roster", help="值班表 · Rosters: who is called.", no_args_is_help=True)

roster.add_typer(swap)

FileArgument = Annotated[Path, typer.Argument(help="值班表文件 · roster file", show_default=False)]


@roster.command()
def apply(
    file: FileArgument,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只显示差异，不作更改 · show the difference, change nothing")
    ] = False,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    address: NotificationOption = "",
) -> None:
    """使机构的值班表与文件完全一致 · Makes a facility's roster what the file says, and nothing else.

    0 已生效或无差异 · applied, or the same already；2 文件有误或无法连接 · broken file, or impossible.
    """
    answer = _applied(_read(file), address, token, key, dry_run=dry_run)
    _show(answer, output, lang, is_applied=not dry_run)


@roster.command()
def diff(
    file: FileArgument,
    *,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    address: NotificationOption = "",
) -> None:
    """比较文件与现行值班表 · Compares the file with the roster in force.

    0 一致 · the same；1 有差异 · different；2 文件有误或无法连接 · broken file, or impossible.
    """
    answer = _applied(_read(file), address, token, key, dry_run=True)
    _show(answer, output, lang, is_applied=False)
    if answer.added or answer.removed:
        raise typer.Exit(int(Exit.FINDINGS))


@roster.command()
def coverage(
    facility: Annotated[str, typer.Argument(help="机构 · facility", show_default=False)],
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=31, help="天数 · days ahead")] = 7,
    role: Annotated[str, typer.Option("--role", help="岗位 · role; 全部 · all when left out")] = "",
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    address: NotificationOption = "",
) -> None:
    """当前在班、值班空缺和单点风险 · Who is on duty, and where nobody or only one person will be.

    0 无空缺 · no gaps；1 有空缺 · gaps；2 无法查询 · impossible.
    """
    try:
        answer = _ask("GetCoverage", {"facility": facility, "days": days, "role": role}, address, token, key)
    except CallFailed as error:
        give_up(call_cause(error, lang))
    found = cast("roster_service_pb2.GetCoverageResponse", answer)
    if output is Output.JSON:
        print_json(message_document(found))
    else:
        print_coverage(found, lang)
    if found.gaps:
        raise typer.Exit(int(Exit.FINDINGS))


def _read(file: Path) -> RosterFile:
    try:
        return read_roster(file)
    except FaultyFile as error:
        give_up("\n" + "\n".join(error.lines()))


def _applied(
    file: RosterFile, address: str, token: str, key: Path | None, *, dry_run: bool
) -> roster_service_pb2.ApplyRosterResponse:
    """What the service answers. Gives up when it refuses, each fault with its place in the file."""
    fields = {**file.fields, "request_id": str(uuid4()), "dry_run": dry_run}
    try:
        answer = _ask("ApplyRoster", fields, address, token, key)
    except CallFailed as error:
        if error.code is grpc.StatusCode.INVALID_ARGUMENT and error.violations:
            give_up("\n" + "\n".join(FaultyFile(file.path, file.located(error.violations)).lines()))
        give_up(call_cause(error, Language.BOTH))
    return cast("roster_service_pb2.ApplyRosterResponse", answer)


def _ask(name: str, fields: dict[str, Any], address: str, token: str, key: Path | None) -> Message:
    """The answer of one RPC of the notification service. Raises CallFailed when it refuses."""
    answer = answer_of("notification", name, fields, address, operator_token(token, key), patience=FILE)
    return cast("Message", answer)


def _show(
    answer: roster_service_pb2.ApplyRosterResponse, output: Output, lang: Language, *, is_applied: bool
) -> None:
    if output is Output.JSON:
        print_json(message_document(answer))
    else:
        print_roster_difference(answer, lang, is_applied=is_applied)
