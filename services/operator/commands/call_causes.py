"""Why a call or a file failed, in words for whoever is to mend it: for commands that ask services alone."""

import errno

from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say, shown
from services.shared.kernel.refusals import DiskFull

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def call_cause(error: BaseException, language: Language) -> str:
    """A full disk, and what is away, in the operator's language; anything else in its own words."""
    match error:
        case CallFailed(is_kafka_away=True):
            return say("error.service_without_kafka", language)
        case CallFailed(is_disk_full=False, is_unreachable=True):
            return say("error.service_away", language, error=error)
        case DiskFull():
            return shown(error.text, language)
        case OSError() if error.errno in _NO_ROOM:
            key = "error.disk_full_at" if error.filename else "error.disk_full"
            return say(key, language, path=error.filename)
    return str(error) or repr(error)
