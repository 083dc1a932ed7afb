"""Why a command was cut, in words for whoever is to mend it."""

import errno

import asyncpg

from services.operator.texts import Language, say, shown
from services.shared.kernel.refusals import DependencyDown, DiskFull

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def cause(error: BaseException, language: Language) -> str:
    """A full disk and a Kafka that is away in the operator's language, anything else in its own words."""
    match error:
        case DiskFull():
            return shown(error.text, language)
        case asyncpg.DiskFullError():
            return shown(DiskFull().text, language)
        case DependencyDown(dependency="kafka"):
            return say("error.kafka_away", language, error=error)
        case OSError() if error.errno in _NO_ROOM:
            key = "error.disk_full_at" if error.filename else "error.disk_full"
            return say(key, language, path=error.filename)
    return str(error) or repr(error)
