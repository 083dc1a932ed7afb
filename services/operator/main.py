"""The `tierlink` program."""

import typer

from services.operator.commands.audit import audit
from services.operator.commands.bench import bench
from services.operator.commands.bench_guard import bench_guard
from services.operator.commands.board import board
from services.operator.commands.demo import demo
from services.operator.commands.directory import directory
from services.operator.commands.dlq import dlq
from services.operator.commands.doctor import doctor
from services.operator.commands.drill import drill
from services.operator.commands.events import events
from services.operator.commands.projection import projection
from services.operator.commands.referral import referral
from services.operator.commands.roster import roster
from services.operator.commands.serve import serve
from services.operator.commands.token import token
from services.operator.commands.up import up
from services.operator.commands.what_if import what_if

app = typer.Typer(
    name="tierlink",
    help="分级诊疗转诊协同平台 · Referrals, beds and alerts between the tiers of care.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables could print tokens and keys.
    pretty_exceptions_show_locals=False,
)
app.command()(demo)
app.command()(up)
app.command()(serve)
app.command()(token)
app.command()(bench)
app.command("bench-guard")(bench_guard)
app.command()(doctor)
app.command("what-if")(what_if)
app.add_typer(referral)
app.add_typer(directory)
app.add_typer(drill)
app.add_typer(board)
app.add_typer(roster)
app.add_typer(audit)
app.add_typer(events)
app.add_typer(dlq)
app.add_typer(projection)
