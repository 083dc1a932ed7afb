"""`tierlink audit verify`: is every chain of every service as it was written?"""

import asyncio
import json
import sys
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

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
from services.operator.report.consoles import open_console
from services.operator.report.document import verification_document
from services.operator.report.tables import Tables
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say
from services.operator.verification.findings import Verification
from services.operator.verification.service_audits import Progress, verify_services
from services.shared.rpc.channels import SERVICES, Addresses, open_channels

#: A person waits: better to be told soon that a service is not there.
_PATIENCE_S = 5.0

audit = typer.Typer(name="audit", help="审计链 · The audit trail.", no_args_is_help=True)


@audit.callback()
def _audit() -> None:
    """Makes `verify` a subcommand while it is the only one."""


@audit.command()
def verify(
    *,
    aggregate: Annotated[
        str, typer.Option("--aggregate", help="只核验这一个，如 referrals/… · this one alone")
    ] = "",
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """核验三个服务的全部审计链 · Verifies every chain of the three services.

    0 完整 · intact；1 有发现 · findings；2 无法核验 · impossible.
    """
    addresses = addresses_of(referral, bed, notification)
    credentials = operator_token(token, key)
    try:
        verifications = asyncio.run(_verify(addresses, credentials, aggregate, lang))
    except (CallFailed, OSError) as error:
        give_up(str(error))
    if output is Output.JSON:
        intact = all(each.is_intact for each in verifications)
        document = {"intact": intact, "services": [verification_document(each) for each in verifications]}
        sys.stdout.write(f"{json.dumps(document, ensure_ascii=False, indent=2)}\n")
    else:
        Tables(open_console(), lang).verifications(verifications)
    if not all(each.is_intact for each in verifications):
        raise typer.Exit(int(Exit.FINDINGS))


async def _verify(
    addresses: Addresses, token: str, aggregate: str, language: Language
) -> tuple[Verification, ...]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=open_console(stderr=True), transient=True) as bar:
        tasks = {
            name: bar.add_task(say("audit.verifying", language, name=name), total=None, text="")
            for name in SERVICES
        }

        def note(progress: Progress) -> None:
            text = say(
                "audit.progress",
                language,
                aggregates=progress.aggregates_count,
                events=progress.events_count,
            )
            bar.update(tasks[progress.service], text=text, total=1, completed=int(progress.is_complete))

        async with open_channels(addresses) as channels:
            return await verify_services(
                Caller(channels), token, aggregate=aggregate, patience_s=_PATIENCE_S, on_progress=note
            )
