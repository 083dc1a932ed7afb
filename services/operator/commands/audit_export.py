"""`tierlink audit export`: trails of referrals, wards, alerts… as a folder for an inspector."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import grpc
import typer

from services.operator.commands.call_causes import call_cause
from services.operator.commands.event_options import SinceOption, UntilOption, moment_of
from services.operator.commands.exits import give_up
from services.operator.commands.options import (
    BedOption,
    KeyOption,
    LanguageOption,
    NotificationOption,
    ReferralOption,
    TokenOption,
    addresses_of,
    operator_token,
)
from services.operator.export.folder import ExportFolder, Proof, new_export
from services.operator.report.consoles import open_console
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.checkpoints import Checkpoints
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.stored_events import read_stored_events
from services.operator.rpc.timelines import read_timelines, referrals_created
from services.operator.texts import Language, say
from services.shared.audit.checkpoint import Checkpoint
from services.shared.rpc.channels import SERVICES, Addresses, open_channels

#: By what their names begin with, the service that has the trail.
_SERVICES = {
    "referrals": "referral",
    "directory": "referral",
    "wards": "bed",
    "desks": "bed",
    "alerts": "notification",
    "rosters": "notification",
    "boards": "notification",
    "drills": "notification",
    "drill_plans": "notification",
}
_PATIENCE = Patience(attempt_s=30.0, total_s=60.0)


class _Period(NamedTuple):
    """When the referrals were created; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None


class _Source(NamedTuple):
    """Who has the trails."""

    service: str
    #: whether reading them is put on record, patient by patient
    has_timelines: bool


def _source(names: Sequence[str], language: Language) -> _Source:
    """Who has these, or a period's referrals. Gives up where no one service has all of them in one way."""
    prefixes = {name.partition("/")[0] for name in names} or {"referrals"}
    unknown = sorted(prefixes - _SERVICES.keys())
    if unknown:
        known = ", ".join(f"{each}/…" for each in _SERVICES)
        give_up(say("export.unknown", language, names=", ".join(unknown), known=known))
    sources = {_Source(_SERVICES[each], each == "referrals") for each in prefixes}
    if len(sources) > 1:
        give_up(say("export.one_service", language))
    return sources.pop()


def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="referrals/…、wards/…、alerts/…，可多个 · one or more", show_default=False),
    ] = None,
    *,
    since: SinceOption = "",
    until: UntilOption = "",
    out: Annotated[
        Path, typer.Option("--out", help="新建的文件夹 · folder that is made", show_default=False)
    ],
    alone: Annotated[
        bool,
        typer.Option("--alone", help="只导出该转诊，不含整个诊疗过程 · this referral without its episode"),
    ] = False,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """导出可离线核验的审计链，附存证、证明与核验程序 · An export that verifies offline, with its own program.

    以最近一次存证为准，先执行 audit checkpoint · by the latest checkpoint: make one first.
    """
    period = _Period(moment_of(since), moment_of(until))
    if bool(names) == (period != _Period()):
        give_up(say("export.which", lang))
    if out.exists():
        give_up(say("checkpoint.there", lang, path=out))
    source = _source(names or (), lang)
    given = {"referral": referral, "bed": bed, "notification": notification}
    # Nobody else is asked.
    addresses = addresses_of(**{each: given[each] if each == source.service else "-" for each in SERVICES})
    try:
        with new_export(out) as made:
            writing = _write(
                made, names or period, source, addresses, operator_token(token, key), whole_episode=not alone
            )
            checkpoint, proofs = asyncio.run(writing)
            if checkpoint is None:
                give_up(say("export.no_checkpoint", lang))
            if not made.events_count:
                give_up(say("export.nothing", lang))
            made.seal(checkpoint, proofs)
    except (CallFailed, OSError) as error:
        give_up(call_cause(error, lang))
    chains = len(made.aggregates)
    open_console().print(say("export.done", lang, path=out, chains=chains, events=made.events_count))
    if len(proofs) < chains:
        open_console().print(say("export.unproved", lang, count=chains - len(proofs)))


async def _write(
    made: ExportFolder,
    chosen: Sequence[str] | _Period,
    source: _Source,
    addresses: Addresses,
    token: str,
    *,
    whole_episode: bool,
) -> tuple[Checkpoint | None, list[Proof]]:
    async with open_channels(addresses) as channels:
        caller = Caller(channels, patience=_PATIENCE)
        desk = Checkpoints(caller, source.service, token)
        # Before the trail: what the checkpoint has is then in it.
        latest = await desk.latest(count_max=1)
        if not latest:
            return None, []
        names = await referrals_created(caller, token, *chosen) if isinstance(chosen, _Period) else chosen
        trails = (
            read_timelines(caller, token, names, whole_episode=whole_episode)
            if source.has_timelines
            else read_stored_events(caller, source.service, token, names)
        )
        async for entries in trails:
            made.add(entries)
        return latest[0], await _proofs(desk, latest[0].statement.number, made.aggregates)


async def _proofs(desk: Checkpoints, number: int, aggregates: Iterable[str]) -> list[Proof]:
    found: list[Proof] = []
    for aggregate in aggregates:
        try:
            head, index, path = await desk.inclusion(number, aggregate)
        except CallFailed as error:
            if error.code is not grpc.StatusCode.NOT_FOUND:
                raise
            # It is newer than the checkpoint.
        else:
            found.append(Proof(head=head, index=index, path=path))
    return found
