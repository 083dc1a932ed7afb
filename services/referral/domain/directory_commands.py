"""The directory's one command and its one event."""

from dataclasses import dataclass

from services.referral.domain.directory_entries import Alliance, GreenChannel, PoolingArea, RecognitionArea
from services.referral.domain.directory_state import Community, Facility


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyDirectory:
    """Makes the directory what the command says."""

    communities: tuple[Community, ...] = ()
    facilities: tuple[Facility, ...]
    #: say what would change, and change nothing
    dry_run: bool = False
    alliances: tuple[Alliance, ...] = ()
    pooling_areas: tuple[PoolingArea, ...] = ()
    recognition_areas: tuple[RecognitionArea, ...] = ()
    green_channels: tuple[GreenChannel, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryApplied:
    """The difference to the directory before."""

    #: in force from now on, added or changed
    communities: tuple[Community, ...] = ()
    facilities: tuple[Facility, ...] = ()
    #: ids in force no longer
    removed_communities: tuple[str, ...] = ()
    removed_facilities: tuple[str, ...] = ()
    alliances: tuple[Alliance, ...] = ()
    pooling_areas: tuple[PoolingArea, ...] = ()
    recognition_areas: tuple[RecognitionArea, ...] = ()
    green_channels: tuple[GreenChannel, ...] = ()
    removed_alliances: tuple[str, ...] = ()
    removed_pooling_areas: tuple[str, ...] = ()
    removed_recognition_areas: tuple[str, ...] = ()
    removed_green_channels: tuple[str, ...] = ()
