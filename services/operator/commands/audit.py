"""`tierlink audit`: is every chain of every service as it was written, and as it was signed?"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from services.operator.commands.asking import ask_every_service
from services.operator.commands.audit_export import export
from services.operator.commands.call_causes import call_cause
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
from services.operator.report.json_document import print_json
from services.operator.report.tables import Tables
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.checkpoints import Checkpoints
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say
from services.operator.verification.against_checkpoints import verify_against
from services.operator.verification.checkpoint_file import (
    CheckpointFileError,
    SignedHeads,
    read_checkpoints,
    read_public_key,
    write_checkpoints,
)
from services.operator.verification.findings import Verification
from services.operator.verification.service_audits import Progress, verify_services
from services.shared.audit.checkpoint import Checkpoint
from services.shared.rpc.channels import SERVICES, Addresses, open_channels

#: A person waits: better to be told soon that a service is not there.
_PATIENCE_S = 5.0

audit = typer.Typer(name="audit", help="审计链 · The audit trail.", no_args_is_help=True)
audit.command()(export)


#: Making a checkpoint reads every head of a store.
_CHECKPOINT_PATIENCE = Patience(attempt_s=120.0, total_s=240.0)
T = TypeVar("T")


@audit.command()
def verify(
    *,
    aggregate: Annotated[
        str, typer.Option("--aggregate", help="只核验这一个，如 referrals/… · this one alone")
    ] = "",
    chains: Annotated[
        bool,
        typer.Option(
            "--chains",
            help="只核验字节与链接，不重算状态 · stored bytes and links alone, without columns and states",
        ),
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=0,
            max=64,
            help="每个服务的进程数，0 为其上限 · of each service; 0: all it allows",
        ),
    ] = 0,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint", help="另行保存的存证文件，可多次 · checkpoint kept elsewhere; may be given again"
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key",
            help="受信的存证公钥 PEM，缺省用存证文件所载 · trusted key; else the one in the checkpoint",
        ),
    ] = None,
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
        kept = [each for path in checkpoint or () for each in read_checkpoints(path)]
        trusted = None if public_key is None else read_public_key(public_key)
        verifications = asyncio.run(
            _verify(addresses, credentials, _Extent(aggregate, chains, processes), lang)
        )
        if kept:
            against = _asked(
                addresses, credentials, lambda desks: verify_against(desks, kept, trusted, only=aggregate)
            )
            verifications = (*verifications, *against)
    except (CallFailed, CheckpointFileError, OSError) as error:
        give_up(call_cause(error, lang))
    if output is Output.JSON:
        intact = all(each.is_intact for each in verifications)
        document = {"intact": intact, "services": [verification_document(each) for each in verifications]}
        print_json(document)
    else:
        Tables(open_console(), lang).verifications(verifications)
    if not all(each.is_intact for each in verifications):
        raise typer.Exit(int(Exit.FINDINGS))


class _Extent(NamedTuple):
    """How much is verified, and by how many."""

    aggregate: str
    chains_only: bool
    processes: int


async def _verify(
    addresses: Addresses, token: str, extent: _Extent, language: Language
) -> tuple[Verification, ...]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
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
            total, reached = progress.events_total, progress.events_count
            if progress.is_complete:
                # Events that came meanwhile are verified too: the bar ends full all the same.
                total = reached = max(1, reached)
            bar.update(tasks[progress.service], text=text, total=total or None, completed=reached)

        async with open_channels(addresses) as channels:
            return await verify_services(
                Caller(channels),
                token,
                aggregate=extent.aggregate,
                chains_only=extent.chains_only,
                processes=extent.processes,
                patience_s=_PATIENCE_S,
                on_progress=note,
            )


@audit.command("checkpoint")
def checkpoint_(
    *,
    out: Annotated[
        Path,
        typer.Option("--out", help="存证文件，请保存于别处 · file to keep elsewhere", show_default=False),
    ],
    accept_back_dated: Annotated[
        bool,
        typer.Option(
            "--accept-back-dated",
            help="已查明时钟有误，仍予签署 · sign all the same: a clock was wrong, and was looked into",
        ),
    ] = False,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """签署三个服务全部审计链的当前位置 · Signs where all chains of the three services stand.

    服务须配置 TIERLINK_CHECKPOINT_KEY · the services need that setting.
    """
    if out.exists():
        give_up(say("checkpoint.there", lang, path=out))

    async def make(desks: dict[str, Checkpoints]) -> list[SignedHeads]:
        made = [(desk, await desk.make(accept_back_dated=accept_back_dated)) for desk in desks.values()]
        return [
            SignedHeads(checkpoint=each, heads=await desk.heads(each.statement.number)) for desk, each in made
        ]

    try:
        made = _asked(addresses_of(referral, bed, notification), operator_token(token, key), make)
        write_checkpoints(out, made)
    except (CallFailed, OSError) as error:
        give_up(call_cause(error, lang))
    for each in made:
        open_console().print(_line(each.checkpoint, lang))
    open_console().print(say("checkpoint.keep", lang, path=out))


@audit.command()
def checkpoints(
    *,
    count_max: Annotated[int, typer.Option("--max", min=1, max=1000, help="每个服务至多 · at most")] = 20,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """各服务已有的存证，最近的在前 · The checkpoints of every service, the latest first."""

    async def ask(desks: dict[str, Checkpoints]) -> list[Checkpoint]:
        return [each for desk in desks.values() for each in await desk.latest(count_max=count_max)]

    try:
        found = _asked(addresses_of(referral, bed, notification), operator_token(token, key), ask)
    except (CallFailed, OSError) as error:
        give_up(call_cause(error, lang))
    for each in found:
        open_console().print(_line(each, lang))


def _line(checkpoint: Checkpoint, language: Language) -> str:
    statement = checkpoint.statement
    return say(
        "checkpoint.line",
        language,
        service=statement.service,
        number=statement.number,
        size=statement.tree_size,
        root=statement.root.hex()[:16],
        made_at=f"{statement.made_at:%Y-%m-%d %H:%M:%S}Z",
        made_by=statement.made_by,
    )


def _asked(addresses: Addresses, token: str, work: Callable[[dict[str, Checkpoints]], Awaitable[T]]) -> T:
    """What `work` makes of the services' checkpoints. Raises CallFailed, OSError."""
    return ask_every_service(addresses, token, Checkpoints, work, patience=_CHECKPOINT_PATIENCE)
