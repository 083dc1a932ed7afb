"""`tierlink up`: the whole platform with the sample site, kept in a folder."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.embedded import EmbeddedError
from services.embedded.ports import free_port, is_free
from services.operator.casefile.model import Case
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import give_up
from services.operator.commands.options import LanguageOption
from services.operator.commands.stopping import stopped_by_signals
from services.operator.platform.errors import PlatformError
from services.operator.platform.given import KAFKA_VARIABLE, given_servers, variable
from services.operator.platform.platform import BOARD, Platform, PlatformSettings, running_platform
from services.operator.playing.site_setup import SiteSetup, SiteTaken
from services.operator.report.consoles import open_console
from services.operator.report.next_steps import FIXED_PORTS, NextStep, api_steps
from services.operator.report.tables import Tables
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.people import TokenBook
from services.operator.texts import Language, say, text
from services.shared.kernel.actor import Actor
from services.shared.located.faults import FaultyFile
from services.shared.rpc.channels import open_channels
from services.shared.rpc.signing import sign_token

DEFAULT_FOLDER = Path(".tierlink")
_TOKEN_LIFETIME_S = 12 * 3600
#: Whose token is printed: who answers most alerts of the sample site.
_SAMPLE_PERSON = "jg-stroke"
#: Written once the sample site is in force: what the user changes later stays changed.
_SITE_MARK = "sample-site"
_EXPECTED = (PlatformError, EmbeddedError, CallFailed, OSError)


def up(
    data: Annotated[Path, typer.Option("--data", help="数据目录 · folder of the data")] = DEFAULT_FOLDER,
    lang: LanguageOption = Language.BOTH,
) -> None:
    """启动整个平台并保留数据，Ctrl-C 停止 · Runs the whole platform on a folder; Ctrl-C stops it."""
    try:
        site = read_case(DEFAULT_CASE)
        asyncio.run(_run(data.absolute(), site, open_console(), lang))
    except FaultyFile as error:
        give_up("\n" + "\n".join(error.lines()))
    except _EXPECTED as error:
        give_up(call_cause(error, lang))


async def _run(folder: Path, case: Case, console: Console, language: Language) -> None:
    continued = (folder / _SITE_MARK).exists()
    settings = PlatformSettings(
        given=given_servers(os.environ),
        folder=folder,
        ports=_choose_ports(console, language),
        with_board=True,
    )

    def restarted(name: str) -> None:
        console.print(Text(say("demo.restarted", language, name=name), style="yellow"))

    try:
        with stopped_by_signals(), console.status(say("demo.starting", language)) as status:
            async with running_platform(settings, restarted) as platform:
                await _set_site_up(platform, case, console, language)
                status.stop()
                _greet(platform, case, console, language, continued=continued)
                try:
                    await asyncio.Event().wait()
                finally:
                    console.print(f"\n{say('up.stopping', language)}")
    except asyncio.CancelledError:
        console.print(say("up.stopped", language))


def _choose_ports(console: Console, language: Language) -> dict[str, int]:
    """The fixed ports where they are free, others where they are not."""
    chosen: dict[str, int] = {}
    for name, port in FIXED_PORTS.items():
        chosen[name] = port if is_free(port) else free_port(excluded=tuple(chosen.values()))
        if chosen[name] != port:
            other = chosen[name]
            console.print(
                Text(say("up.port_taken", language, port=port, name=name, other=other), style="yellow")
            )
    return chosen


async def _set_site_up(platform: Platform, case: Case, console: Console, language: Language) -> None:
    mark = platform.folder / _SITE_MARK
    if mark.exists():
        console.print(Text(say("up.continued", language), style="dim"))
        return
    async with open_channels(platform.addresses) as channels:
        try:
            await SiteSetup(Caller(channels), TokenBook(platform.key)).apply(case.site)
        except SiteTaken as error:
            console.print(Text(say("up.site_taken", language, reason=str(error)), style="yellow"))
            return
    mark.touch()
    console.print(Text(say("up.site_applied", language), style="dim"))


def _greet(platform: Platform, case: Case, console: Console, language: Language, *, continued: bool) -> None:
    console.print(f"[bold green]{say('up.serving', language, folder=platform.folder)}[/bold green]\n")
    table = Table(show_header=False, box=None)
    for name, service in platform.services.items():
        ready = service.ready
        operations = (
            f"http://{ready.operations}  ({say('up.operations', language)})" if ready.operations else ""
        )
        table.add_row(name, f"[bold]{ready.grpc}[/bold]", operations)
    if platform.board is not None:
        table.add_row(BOARD, f"[bold]http://{platform.board.ready.http}[/bold]", "")
    for name, server in platform.servers.items():
        table.add_row(name, f"127.0.0.1:{server.port}", "")
    console.print(table)
    person = case.site.people[_SAMPLE_PERSON]
    facility = case.site.directory.facility_name(person.facility)
    console.print(f"\n[dim]# {say('up.token', language, name=person.name, facility=facility)}[/dim]")
    for line in _exports(platform, person):
        console.print(Text(line), soft_wrap=True)
    if platform.board is not None:
        # Behind the #, so that no server and no log sees the token.
        link = f"http://{platform.board.ready.http}/sign-in#token={_token(platform, person)}"
        console.print(f"\n[dim]# {say('up.board', language, name=person.name)}[/dim]")
        console.print(Text(link), soft_wrap=True)
    steps = (
        *api_steps(platform.addresses),
        NextStep(text=text("next.doctor"), command="tierlink doctor"),
        NextStep(text=text("next.events"), command="tierlink events tail"),
        NextStep(text=text("next.case"), command="tierlink demo"),
    )
    Tables(console, language).next(steps, title="up.try")


def _exports(platform: Platform, person: Actor) -> tuple[str, ...]:
    """Lines for another shell, where the commands below then need no options."""
    return (
        f"export TOKEN={_token(platform, person)}",
        f"export TIERLINK_SIGNING_KEY={platform.key_files.private_key}",
        f"export {KAFKA_VARIABLE}={platform.kafka_bootstrap}",
        *(
            f"export {variable(name, 'ADDRESS')}={address}"
            for name, address in platform.addresses.by_service().items()
        ),
    )


def _token(platform: Platform, person: Actor) -> str:
    return sign_token(platform.key, person, issued_at=datetime.now(UTC), lifetime_s=_TOKEN_LIFETIME_S)
