"""One question to the notification service, as a command puts it."""

import asyncio
from typing import Any

from services.operator.commands.exits import give_up
from services.operator.commands.options import addresses_of
from services.operator.rpc.calling import Caller, Patience
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.values import build_message
from services.shared.rpc.channels import open_channels

_PATIENCE = Patience(attempt_s=5.0, total_s=5.0)


def ask_notification(name: str, fields: dict[str, Any], address: str, token: str) -> Any:
    """What the service answers. Gives up when it refuses, or cannot be reached."""
    if not address:
        addresses_of("-", "-", "")
    addresses = addresses_of("-", "-", address)
    method = rpc_methods()[name]
    try:
        request = build_message(method.request, fields)
    except ValueError as error:
        give_up(str(error))

    async def ask() -> Any:
        async with open_channels(addresses) as channels:
            return (await Caller(channels, patience=_PATIENCE).call(method, request, token)).message

    try:
        return asyncio.run(ask())
    except (CallFailed, OSError) as error:
        give_up(str(error))
