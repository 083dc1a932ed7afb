"""Keeps a copy of the directory, as its topic tells it."""

from dataclasses import dataclass

from services.notification.application.copies import KnownDirectory
from services.notification.domain.directory import Community, Facility
from services.shared.eventstore.work import Reaction, Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """A facility or community that is in force no longer."""

    entry_type: type[Facility] | type[Community]
    key: str


def copy_directory(directory: KnownDirectory, entry: Facility | Community | Gone, version: int) -> Reaction:
    """The topic is compacted: the last word on a key is all that counts, whatever came before."""

    async def reaction(work: Work) -> None:
        if isinstance(entry, Gone):
            directory.remove(work, entry.entry_type, entry.key, version)
        else:
            directory.keep(work, entry, version)

    return reaction
