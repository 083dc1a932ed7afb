"""Questions to the running services, as commands put them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import addresses_of
from services.operator.commands.stopping import stopped_by_signals
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.operator.texts import Language, say
from services.shared.rpc.channels import SERVICES, Addresses, open_channels

#: A person waits: better to be told soon that a service is not there.
BRIEF = Patience(attempt_s=5.0, total_s=5.0)
#: A whole file is compared with what is in force.
FILE = Patience(attempt_s=30.0, total_s=30.0)

T = TypeVar("T")
Desk = TypeVar("Desk")


def answer_of(
    service: str, name: str, fields: dict[str, Any], address: str, token: str, *, patience: Patience
) -> Any:
    """What one service answers to one RPC. Raises CallFailed when it refuses.

    Gives up when there is no address, the fields do not fit, or nobody is there.
    """
    if not address:
        addresses_of(**{each: "" if each == service else "-" for each in SERVICES})
    addresses = addresses_of(**{each: address if each == service else "-" for each in SERVICES})
    method = rpc_methods()[name]
    try:
        request = build_message(method.request, fields)
    except ValueError as error:
        give_up(call_cause(error, Language.BOTH))

    async def ask() -> Any:
        async with open_channels(addresses) as channels:
            return (await Caller(channels, patience=patience).call(method, request, token)).message

    try:
        return asyncio.run(ask())
    except OSError as error:
        give_up(call_cause(error, Language.BOTH))


def ask_notification(name: str, fields: dict[str, Any], address: str, token: str) -> Any:
    """What the notification service answers. Gives up when it refuses, or cannot be reached."""
    try:
        return answer_of("notification", name, fields, address, token, patience=BRIEF)
    except CallFailed as error:
        give_up(call_cause(error, Language.BOTH))


def ask_every_service(
    addresses: Addresses,
    token: str,
    desk: Callable[[Caller, str, str], Desk],
    work: Callable[[dict[str, Desk]], Awaitable[T]],
    *,
    patience: Patience,
    language: Language = Language.BOTH,
) -> T:
    """What `work` makes of one desk (caller, service, token) a service. Raises CallFailed, OSError.

    Ends the program when somebody interrupts it.
    """

    async def ask() -> T:
        with stopped_by_signals():
            async with open_channels(addresses) as channels:
                caller = Caller(channels, patience=patience)
                return await work({name: desk(caller, name, token) for name in SERVICES})

    try:
        return asyncio.run(ask())
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("error.interrupted", language), Exit.INTERRUPTED)
