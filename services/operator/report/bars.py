"""A bar of a known number of things, with the rate and the time that is left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as EtaColumn
from rich.text import Text


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s", style="cyan")


@contextmanager
def progress_bar(
    text: str, console: Console, *, total: int, already: int = 0
) -> Iterator[Callable[..., None]]:
    """What it gives is told how many are done in all and, with `total`, that there are another number."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        EtaColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(text, total=total, completed=already)

        def told(done: int, total: int | None = None) -> None:
            bar.update(task, completed=done, total=total)

        yield told
