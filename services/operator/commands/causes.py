"""Why a command was cut, in words for whoever is to mend it."""

import asyncio
import errno

import asyncpg
from aiokafka.errors import KafkaError

from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say, shown
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.knocking import Trouble, knock
from services.shared.kernel.refusals import DependencyDown, DiskFull

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

_REFUSED = {
    Trouble.PASSWORD: "doctor.kafka_password",
    Trouble.CERTIFICATE_EXPIRED: "doctor.kafka_certificate_expired",
    Trouble.CERTIFICATE_UNTRUSTED: "doctor.kafka_certificate_untrusted",
    Trouble.OUR_CERTIFICATE: "doctor.kafka_our_certificate",
}


def kafka_cause(error: BaseException, kafka: KafkaAddress, language: Language) -> str:
    """As `cause`; where a broker does not let us in, why. Asks it, so not within a running loop."""
    if isinstance(error, KafkaError | DependencyDown):
        for each in asyncio.run(knock(kafka)):
            if each.trouble in _REFUSED:
                return say(_REFUSED[each.trouble], language, address=each.address, failure=each.failure)
    return cause(error, language)


def cause(error: BaseException, language: Language) -> str:
    """A full disk, and what is away, in the operator's language; anything else in its own words."""
    match error:
        case CallFailed(is_kafka_away=True):
            return say("error.service_without_kafka", language)
        case CallFailed(is_disk_full=False, is_unreachable=True):
            return say("error.service_away", language, error=error)
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
