"""Reads the site's file about boards and drills."""

from datetime import time
from pathlib import Path

import msgspec
import yaml

from services.notification.domain.board_policy import BoardPolicy, DrillTiming

#: The file that is used where the site names none.
DEFAULT_BOARDS = Path(__file__).resolve().parent.parent / "config" / "boards.yaml"


class BoardsFileError(ValueError):
    """The file cannot be used; the message says why."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file; a misspelt key is a mistake, never silence."""


class _DrillEntry(_Entry, frozen=True, kw_only=True):
    at: str = ""
    answer_within_s: int
    late_max_s: int


class _BoardsFile(_Entry, frozen=True, kw_only=True):
    live_s: int
    limit_s: int
    centres: tuple[str, ...]
    facilities: tuple[str, ...]
    drill: _DrillEntry
    walls: dict[str, tuple[str, ...]] = {}


def load_board_policy(path: Path = DEFAULT_BOARDS, *, utc_offset_minutes: int) -> BoardPolicy:
    """The policy of a file. Raises BoardsFileError when it cannot be read or is not sound."""
    try:
        content = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), _BoardsFile)
        at = time.fromisoformat(content.drill.at) if content.drill.at else None
    except OSError as error:
        raise BoardsFileError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise BoardsFileError(f"{path}: {error}") from error
    if not 5 <= content.live_s <= content.limit_s:
        raise BoardsFileError(f"{path}: live_s is 5 at least, and limit_s no less than live_s")
    if content.drill.answer_within_s < 1 or content.drill.late_max_s < 0:
        raise BoardsFileError(f"{path}: drill: answer_within_s is 1 at least, late_max_s not negative")
    unknown = {centre for named in content.walls.values() for centre in named} - set(content.centres)
    if unknown:
        raise BoardsFileError(f"{path}: walls: {', '.join(sorted(unknown))} is not among the centres")
    return BoardPolicy(
        live_s=content.live_s,
        limit_s=content.limit_s,
        centres=content.centres,
        facilities=content.facilities,
        walls=content.walls,
        drill=DrillTiming(
            at=at, answer_within_s=content.drill.answer_within_s, late_max_s=content.drill.late_max_s
        ),
        utc_offset_minutes=utc_offset_minutes,
    )
