"""`tierlink referral timeline`: every event of a referral's episode, its hashes worked out again here."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    Output,
    OutputOption,
    ReferralOption,
    TokenOption,
    addresses_of,
    operator_token,
)
from services.operator.playing.collecting import timeline_rows
from services.operator.report.consoles import open_console
from services.operator.report.document import plain, verification_document
from services.operator.report.json_document import print_json
from services.operator.report.tables import Tables
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.timelines import read_timeline
from services.operator.texts import Language
from services.operator.verification.timeline_chains import verify_timeline
from services.shared.rpc.channels import open_channels
from tierlink.referral.v1 import timeline_pb2

_PATIENCE = Patience(attempt_s=5.0, total_s=5.0)
#: China Standard Time.
_UTC_OFFSET_MINUTES = 480

referral = typer.Typer(name="referral", help="转诊 · Referrals.", no_args_is_help=True)


@referral.callback()
def _referral() -> None:
    """Makes `timeline` a subcommand while it is the only one."""


@referral.command()
def timeline(
    name: Annotated[str, typer.Argument(help="referrals/…")],
    *,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    alone: Annotated[
        bool, typer.Option("--alone", help="只看该转诊，不含整个诊疗过程 · this referral without its episode")
    ] = False,
    token: TokenOption = "",
    key: KeyOption = None,
    address: ReferralOption = "",
) -> None:
    """时间线，并在本机重算哈希 · The timeline, with its hashes worked out again here.

    0 完整 · intact；1 有发现 · findings；2 无法读取 · impossible.
    """
    if not address:
        addresses_of("", "-", "-")
    entries = _read(name, address, operator_token(token, key), whole_episode=not alone)
    verification = verify_timeline(entries)
    rows = timeline_rows(entries)
    if output is Output.JSON:
        document = plain(
            {"timeline": [asdict(row) for row in rows], "audit": verification_document(verification)}
        )
        print_json(document)
    else:
        tables = Tables(open_console(), lang)
        tables.timeline(rows, _UTC_OFFSET_MINUTES)
        tables.verifications((verification,))
    if not verification.is_intact:
        raise typer.Exit(int(Exit.FINDINGS))


def _read(
    name: str, address: str, token: str, *, whole_episode: bool
) -> tuple[timeline_pb2.TimelineEntry, ...]:
    addresses = addresses_of(address, "-", "-")

    async def read() -> tuple[timeline_pb2.TimelineEntry, ...]:
        async with open_channels(addresses) as channels:
            caller = Caller(channels, patience=_PATIENCE)
            return await read_timeline(caller, token, name, whole_episode=whole_episode)

    try:
        return asyncio.run(read())
    except (CallFailed, OSError) as error:
        give_up(call_cause(error, Language.BOTH))
