"""Shows a case while it is played: a line for each step taken, and what is under way."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.text import Text

from services.operator.casefile.model import Case, Step, rpc_name
from services.operator.casefile.variables import format_offset
from services.operator.playing.observer import Observer
from services.operator.playing.results import StepResult
from services.operator.report.formats import milliseconds
from services.operator.texts import Language, say, shown


class ProgressOnScreen(Observer):
    """Prints on a console. Use it as a context manager: its last line moves while something is under way."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console = console
        self._language = language
        self._status: Status | None = None
        self._case: Case | None = None

    def __enter__(self) -> Self:
        self._status = self._console.status("")
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, key: str, **values: object) -> None:
        """Prints a text of the catalogue above the moving line."""
        self._console.print(Text(say(key, self._language, **values), style="dim"))

    def under_way(self, key: str, **values: object) -> None:
        """Shows a text of the catalogue in the moving line."""
        self._show(Text(say(key, self._language, **values)))

    def title(self, case: Case) -> None:
        """What is going to be played, and what of it is fact."""
        body = Text(shown(case.source, self._language, separator="\n"))
        title = f"{case.id} · {shown(case.title, self._language)}"
        self._console.print(Panel(body, title=title, title_align="left"))

    async def on_start(self, case: Case) -> None:
        self._case = case

    async def on_step(self, step: Step) -> None:
        self._show(self._line(step))

    async def on_step_done(self, result: StepResult) -> None:
        mark = Text(" ✓ ", style="green") if result.is_ok else Text(" ✗ ", style="bold red")
        line = mark + self._line(result.step) + Text(f"  {milliseconds(result.latency_ms)}", style="cyan")
        if result.error:
            line.append(f"\n   {result.error}", style="bold red")
        self._console.print(line)

    def on_retry(self, method: str, status: str) -> None:
        self.say("demo.retrying", method=method, status=status)

    async def on_end(self) -> None:
        self.under_way("demo.collecting")

    def _line(self, step: Step) -> Text:
        assert self._case is not None, "steps come after the start"
        line = Text(f"{format_offset(step.at):>9}  ", style="bold")
        line.append(self._case.site.people[step.who].name, style="magenta")
        line.append(f"  {shown(step.text, self._language) or rpc_name(step)}")
        line.append(f"  {rpc_name(step)}", style="dim")
        return line

    def _show(self, text: Text) -> None:
        if self._status is not None:
            self._status.update(text)
