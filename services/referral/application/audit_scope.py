"""What coordinators may verify: as much as they may read."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.reading import Reading
from services.referral.domain.directory_state import DIRECTORY_NAME
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import StoredStream
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import Refused


class AuditScope:
    """Says of stored aggregates who may know of them. Raises DependencyDown when the store is away."""

    def __init__(self, kinds: Aggregates, runner: CommandRunner, reading: Reading) -> None:
        self._kinds = kinds.by_name()
        self._runner = runner
        self._reading = reading

    async def is_known_to(self, stream: StoredStream, actor: Actor) -> bool:
        """The facilities' coordinators; the directory is everybody's.

        What cannot be read any more names no facility: it is for those who verify everything.
        """
        if stream.stream_id == DIRECTORY_NAME:
            return True
        kind = self._kinds.get(stream.kind)
        if kind is None:
            return False
        try:
            loaded = await self._runner.revive(kind, stream)
        except Refused:
            raise
        except Exception:  # whatever altered bytes make a parser or a fold raise
            return False
        return loaded.state is not None and self._reading.may_read(kind, loaded.state, actor)
