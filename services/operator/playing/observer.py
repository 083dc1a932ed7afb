"""Who looks on while a case is played: the progress on screen, or a test that kills something."""

from services.operator.casefile.model import Case, Step
from services.operator.playing.results import StepResult


class Observer:
    """Looks on and does nothing; a subclass overrides what it cares for."""

    async def on_start(self, case: Case) -> None:
        """The site is set up and the streams are opened; the first step comes next."""

    async def on_step(self, step: Step) -> None:
        """A step comes next. The case waits for this to return."""

    async def on_step_done(self, result: StepResult) -> None:
        """A step was taken, or failed."""

    def on_retry(self, method: str, status: str) -> None:
        """A call got no answer and is made again."""

    async def on_end(self) -> None:
        """The last step was taken; what came of it is looked up next."""
