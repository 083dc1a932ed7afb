"""The `tierlink` program."""

from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

#: In the order in which help lists them: where each command, or group of commands, is.
_COMMANDS = {
    "demo": "services.operator.commands.demo:demo",
    "up": "services.operator.commands.up:up",
    "serve": "services.operator.commands.serve:serve",
    "token": "services.operator.commands.token:token",
    "bench": "services.operator.commands.bench:bench",
    "bench-guard": "services.operator.commands.bench_guard:bench_guard",
    "doctor": "services.operator.commands.doctor:doctor",
    "what-if": "services.operator.commands.what_if:what_if",
    "referral": "services.operator.commands.referral:referral",
    "directory": "services.operator.commands.directory:directory",
    "drill": "services.operator.commands.drill:drill",
    "board": "services.operator.commands.board:board",
    "roster": "services.operator.commands.roster:roster",
    "audit": "services.operator.commands.audit:audit",
    "events": "services.operator.commands.events:events",
    "dlq": "services.operator.commands.dlq:dlq",
    "projection": "services.operator.commands.projection:projection",
}


class _OnDemand(UserDict[str, Any]):
    """Commands by name, each imported when it is asked for: together they take half a second to import."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            module, _, attribute = found.partition(":")
            found = self.data[name] = _command(name, getattr(import_module(module), attribute))
        return found


def _command(name: str, found: Any) -> Any:
    """What a module has as click wants it: a group of commands, or the only command of one."""
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


class _Program(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _OnDemand(_COMMANDS)


app = typer.Typer(
    cls=_Program,
    name="tierlink",
    help="分级诊疗转诊协同平台 · Referrals, beds and alerts between the tiers of care.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables could print tokens and keys.
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _of_no_command() -> None:
    """What makes the program a group, though it has no command yet."""
