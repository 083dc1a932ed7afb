"""Why a command was cut, in words for whoever is to mend it."""

import asyncio

import asyncpg
from aiokafka.errors import KafkaError

from services.operator.commands.call_causes import call_cause
from services.operator.texts import Language, say, shown
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.knocking import Trouble, knock
from services.shared.kernel.refusals import DependencyDown, DiskFull

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
    """As `call_cause`, of what speaks to Kafka or to a database itself too."""
    match error:
        case asyncpg.DiskFullError():
            return shown(DiskFull().text, language)
        case asyncpg.InvalidAuthorizationSpecificationError():
            return say("error.database_refuses", language, error=error)
        case DependencyDown(dependency="kafka"):
            return say("error.kafka_away", language, error=error)
    return call_cause(error, language)
