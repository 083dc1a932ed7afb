"""`tierlink directory`: puts directory files in force, or says what doing so would change."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import grpc
import typer

from services.operator.casefile.directory import read_directories
from services.operator.casefile.directory_places import file_faults
from services.operator.casefile.model import Directory
from services.operator.commands.asking import FILE, answer_of
from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    Output,
    OutputOption,
    ReferralOption,
    TokenOption,
    operator_token,
)
from services.operator.report.differences import difference_document, print_difference
from services.operator.report.json_document import print_json
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language
from services.shared.located.faults import FaultyFile
from tierlink.referral.v1 import directory_service_pb2

directory = typer.Typer(
    name="directory", help="机构目录 · The directory of facilities.", no_args_is_help=True
)

FilesArgument = Annotated[
    list[Path], typer.Argument(help="目录文件，可多个 · directory files", show_default=False)
]


@directory.command()
def apply(
    files: FilesArgument,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只显示差异，不作更改 · show the difference, change nothing")
    ] = False,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    address: ReferralOption = "",
) -> None:
    """使目录与文件完全一致 · Makes the directory what the files say, and nothing else.

    0 已生效或无差异 · applied, or the same already；2 文件有误或无法连接 · broken file, or impossible.
    """
    chosen = _read(files)
    answer = _ask(chosen, address, token, key, dry_run=dry_run)
    if output is Output.JSON:
        _print_document(answer, dry_run=dry_run)
    else:
        print_difference(answer, lang, is_applied=not dry_run)


@directory.command()
def diff(
    files: FilesArgument,
    *,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    address: ReferralOption = "",
) -> None:
    """比较文件与现行目录 · Compares the files with the directory in force.

    0 一致 · the same；1 有差异 · different；2 文件有误或无法连接 · broken file, or impossible.
    """
    chosen = _read(files)
    answer = _ask(chosen, address, token, key, dry_run=True)
    if output is Output.JSON:
        _print_document(answer, dry_run=True)
    else:
        print_difference(answer, lang, is_applied=False)
    if answer.changes:
        raise typer.Exit(int(Exit.FINDINGS))


def _read(files: list[Path]) -> Directory:
    try:
        return read_directories(tuple(files))
    except FaultyFile as error:
        give_up("\n" + "\n".join(error.lines()))


def _ask(
    chosen: Directory, address: str, token: str, key: Path | None, *, dry_run: bool
) -> directory_service_pb2.ApplyDirectoryResponse:
    """What the service answers. Gives up when it refuses, each fault with its place in the files."""
    fields = {**chosen.fields(), "request_id": str(uuid4()), "dry_run": dry_run}
    try:
        answer = answer_of(
            "referral", "ApplyDirectory", fields, address, operator_token(token, key), patience=FILE
        )
    except CallFailed as error:
        if error.code is not grpc.StatusCode.INVALID_ARGUMENT:
            give_up(call_cause(error, Language.BOTH))
        by_file, elsewhere = file_faults(chosen, error.violations)
        lines = [line for path, faults in by_file.items() for line in FaultyFile(Path(path), faults).lines()]
        give_up("\n" + "\n".join([*lines, *elsewhere]) if error.violations else str(error))
    assert isinstance(answer, directory_service_pb2.ApplyDirectoryResponse)
    return answer


def _print_document(answer: directory_service_pb2.ApplyDirectoryResponse, *, dry_run: bool) -> None:
    document = {"dry_run": dry_run, **difference_document(answer)}
    print_json(document)
