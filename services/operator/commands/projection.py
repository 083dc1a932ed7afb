"""`tierlink projection`: read models made anew, and proof that they are what the events say."""

import typer

from services.operator.commands.verify_state import verify_state

projection = typer.Typer(
    name="projection", help="读模型 · Read models, made of the events.", no_args_is_help=True
)
projection.command()(verify_state)
