"""`tierlink demo`: plays a case on a platform of its own, or on one that is given."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.embedded import EmbeddedError
from services.operator.casefile.model import Case
from services.operator.casefile.packaged import PACKAGED, case_path
from services.operator.casefile.reading import read_case
from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    Output,
    OutputOption,
    readable_key,
)
from services.operator.commands.stopping import stopped_by_signals
from services.operator.platform.errors import PlatformError
from services.operator.platform.given import given_addresses, given_servers
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.playing.play import Terms, play
from services.operator.playing.site_setup import SiteTaken
from services.operator.playing.summary import Summary
from services.operator.report.consoles import open_console
from services.operator.report.document import document
from services.operator.report.json_document import print_json
from services.operator.report.next_steps import NextStep, api_steps, next_steps
from services.operator.report.progress import ProgressOnScreen
from services.operator.report.tables import Tables
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say
from services.shared.located.faults import FaultyFile
from services.shared.rpc.channels import Addresses
from services.shared.rpc.signing import SigningKey

_EXPECTED = (PlatformError, EmbeddedError, CallFailed, SiteTaken, OSError)


def demo(
    case: Annotated[
        str, typer.Option("--case", help=f"病例：{'、'.join(PACKAGED)} 或文件 · one of these, or a file")
    ] = PACKAGED[0],
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed",
            min=0.001,
            help="真实时间的若干倍，默认尽快 · times real time; at once by default",
        ),
    ] = None,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    key: KeyOption = None,
) -> None:
    """通过真实服务演示一个病例并核验 · Plays a case through the real services and verifies it.

    0 全部符合 · all as it must be；1 有不符 · something is not；2 无法演示 · impossible.
    """
    try:
        chosen = read_case(case_path(case))
    except FaultyFile as error:
        give_up("\n" + "\n".join(error.lines()))
    # With --output json nothing but the document goes to standard output.
    console = open_console(stderr=output is Output.JSON)
    try:
        summary, steps = asyncio.run(_play(chosen, console, lang, key, Terms(speed=speed)))
    except _EXPECTED as error:
        give_up(call_cause(error, lang))
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("demo.interrupted", lang), Exit.INTERRUPTED)
    if output is Output.JSON:
        print_json(document(summary, steps))
    else:
        Tables(console, lang).summary(summary, steps)
    if not summary.is_ok:
        raise typer.Exit(int(Exit.FINDINGS))


async def _play(
    case: Case, console: Console, language: Language, key: Path | None, terms: Terms
) -> tuple[Summary, tuple[NextStep, ...]]:
    with stopped_by_signals(), ProgressOnScreen(console, language) as progress:
        progress.title(case)
        given = given_addresses(os.environ)
        if given is not None:
            if key is None:
                give_up(say("error.no_key", language))
            summary = await _play_on(case, given, readable_key(key), progress, terms)
            return summary, api_steps(given, str(summary.variables.get("referral", "")))
        async with _platform(progress) as platform:
            summary = await _play_on(case, platform.addresses, platform.key, progress, terms)
            if not summary.is_ok:
                folder = _keep_logs(platform)
                progress.say("demo.logs_kept", folder=folder)
        return summary, next_steps(str(summary.variables.get("referral", "")))


async def _play_on(
    case: Case, addresses: Addresses, key: SigningKey, progress: ProgressOnScreen, terms: Terms
) -> Summary:
    progress.under_way("demo.setting_up")
    return await play(case, addresses, key, progress, terms)


@asynccontextmanager
async def _platform(progress: ProgressOnScreen) -> AsyncIterator[Platform]:
    progress.under_way("demo.starting")
    begun_s = time.monotonic()
    settings = PlatformSettings(given=given_servers(os.environ))
    async with running_platform(settings, lambda name: progress.say("demo.restarted", name=name)) as platform:
        progress.say("demo.started", seconds=f"{time.monotonic() - begun_s:.1f}")
        yield platform


def _keep_logs(platform: Platform) -> Path:
    """The platform's folder goes; what tells why it failed stays."""
    folder = Path(tempfile.mkdtemp(prefix="tierlink-demo-logs-"))
    for path in platform.log_paths():
        if path.exists():
            shutil.copy(path, folder)
    return folder
