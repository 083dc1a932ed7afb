"""Whether brokers let us in, and why not: a client's own error only says that it did not come to it."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed

from services.shared.kafka.address import KafkaAddress

#: Of a list of brokers so many are tried.
_ADDRESSES_MAX = 16
_TIMEOUT_S = 5.0
#: X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL.
_HAS_EXPIRED = 10


class Trouble(StrEnum):
    """Why one does not let us in."""

    #: nobody answers, or not as Kafka does
    SILENT = "silent"
    PASSWORD = "password"
    CERTIFICATE_EXPIRED = "certificate_expired"
    #: another authority's, or another host's
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Knock:
    """What one broker said."""

    address: str
    #: None where it let us in
    trouble: Trouble | None = None
    #: in the words of who found it; never the password
    failure: str = ""
    #: of its certificate; None in plain text, or where it was not shown
    certificate_until: datetime | None = None


async def knock(kafka: KafkaAddress) -> tuple[Knock, ...]:
    """Tries each broker that the address names, at once and within seconds. Raises nothing."""
    addresses = [each.strip() for each in kafka.bootstrap.split(",") if each.strip()][:_ADDRESSES_MAX]
    return tuple(await asyncio.gather(*(_knock(kafka, each) for each in addresses)))


async def _knock(kafka: KafkaAddress, address: str) -> Knock:
    until = None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            host, port = _host_and_port(address)
            until = await _certificate_until(kafka, host, port)
            await _sign_in(kafka, host, port)
    except ssl.SSLCertVerificationError as error:
        is_expired = error.verify_code == _HAS_EXPIRED
        trouble = Trouble.CERTIFICATE_EXPIRED if is_expired else Trouble.CERTIFICATE_UNTRUSTED
        return Knock(address=address, trouble=trouble, failure=error.verify_message)
    except SaslAuthenticationFailed as error:
        return Knock(address=address, trouble=Trouble.PASSWORD, failure=str(error), certificate_until=until)
    except (KafkaError, OSError, ValueError) as error:
        failure = str(error) or type(error).__name__
        return Knock(address=address, trouble=Trouble.SILENT, failure=failure, certificate_until=until)
    return Knock(address=address, certificate_until=until)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


async def _certificate_until(kafka: KafkaAddress, host: str, port: int) -> datetime | None:
    if kafka.ssl_context is None:
        return None
    _, writer = await asyncio.open_connection(host, port, ssl=kafka.ssl_context, server_hostname=host)
    try:
        shown = writer.get_extra_info("peercert") or {}
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    ends = shown.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None


async def _sign_in(kafka: KafkaAddress, host: str, port: int) -> None:
    options = kafka.client_options("tierlink-knock")
    del options["bootstrap_servers"]
    connection = await create_conn(host, port, request_timeout_ms=int(_TIMEOUT_S * 1000), **options)
    connection.close()
