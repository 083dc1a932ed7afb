"""What the commands on read models ask of the service that has them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from rich.console import Console
from rich.text import Text

from services.operator.commands.causes import cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import Output
from services.operator.commands.stopping import stopped_by_signals
from services.operator.diff.report import Comparison
from services.operator.report.bars import progress_bar
from services.operator.report.consoles import open_console
from services.operator.report.json_document import print_json
from services.operator.report.projections import RowComparison
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.failures import RETRIED, CallFailed
from services.operator.rpc.projections import Projections
from services.operator.texts import Language, say
from services.shared.rpc.channels import Addresses, open_channels
from tierlink.projection.v1 import projection_service_pb2 as pb

_PATIENCE = Patience(attempt_s=30.0, total_s=60.0)
#: A service or its database may be away for so long; what was built is kept, so nothing is begun anew.
_AWAY_S = 60.0
_AGAIN_S = 1.0
T = TypeVar("T")


def asked(
    addresses: Addresses, token: str, work: Callable[[Projections], Awaitable[T]], language: Language
) -> T:
    """What `work` makes of the read models. Gives up when the service refuses or is not there."""

    async def ask() -> T:
        with stopped_by_signals():
            async with open_channels(addresses) as channels:
                return await work(Projections(Caller(channels, patience=_PATIENCE), token))

    try:
        return asyncio.run(ask())
    except (CallFailed, OSError) as error:
        give_up(cause(error, language))
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("state.cut", language, error=say("replay.interrupted", language)), Exit.INTERRUPTED)


async def chosen(models: Projections, name: str, language: Language) -> pb.Projection:
    """The read model of this name. Gives up when there is none."""
    found = {each.name: each for each in await models.all()}
    if name not in found:
        give_up(say("projection.unknown", language, name=name, known=", ".join(found)))
    return found[name]


async def rebuilt(models: Projections, name: str, console: Console, language: Language) -> None:
    """Goes on with the one that is made, until it has what the store has; outlives restarts."""
    text = say("projection.rebuilding", language, name=name)
    last = pb.RunRebuildResponse()
    until_s = time.monotonic() + _AWAY_S
    with progress_bar(text, console, total=0) as told:
        while not last.complete:
            try:
                async for last in models.run(name):
                    until_s = time.monotonic() + _AWAY_S
                    told(last.built_count, last.aggregates_count)
            except CallFailed as error:
                if error.code not in RETRIED:
                    raise
                if error.is_disk_full or time.monotonic() > until_s:
                    give_up(say("state.cut", language, error=cause(error, language)))
                await asyncio.sleep(_AGAIN_S)
    for fault in last.faults:
        console.print(Text(say("state.fault", language, fault=fault), style="red"), soft_wrap=True)
    line = say("projection.caught_up", language, events=last.events_count, behind=last.behind_count)
    console.print(Text(line), soft_wrap=True)


async def compared(models: Projections, name: str, shown_max: int) -> RowComparison:
    """The one that is made beside the one that serves."""
    found = RowComparison(shown_max=shown_max, projection=name)
    async for page in models.compare(name):
        found.add(page)
    return found


def print_comparison(found: RowComparison | Comparison, output: Output, language: Language) -> None:
    """Ends the program with 1 where they are not the same."""
    if output is Output.JSON:
        print_json(found.document())
    else:
        found.print(open_console(), language)
    if not found.is_same:
        raise typer.Exit(int(Exit.FINDINGS))
