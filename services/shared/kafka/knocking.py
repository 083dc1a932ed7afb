"""Whether brokers let us in, and why not: a client's own error only says that it did not come to it."""

import asyncio
import ssl
import struct
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
#: ApiVersions, version 0, correlation id 1, no client id: what a broker answers before it knows who asks.
_WHO_IS_THERE = struct.pack(">ihhih", 10, 18, 0, 1, -1)
_ALERTS_ON_OURS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


class Trouble(StrEnum):
    """Why one does not let us in."""

    #: nobody answers, or not as Kafka does
    SILENT = "silent"
    PASSWORD = "password"
    CERTIFICATE_EXPIRED = "certificate_expired"
    #: another authority's, or another host's
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    #: it wants to be shown ours, or does not accept it
    OUR_CERTIFICATE = "our_certificate"


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
    except _OursRefused as refused:
        return Knock(
            address=address,
            trouble=Trouble.OUR_CERTIFICATE,
            failure=refused.alert,
            certificate_until=refused.theirs_until,
        )
    except SaslAuthenticationFailed as error:
        return Knock(address=address, trouble=Trouble.PASSWORD, failure=str(error), certificate_until=until)
    except (KafkaError, OSError, ValueError) as error:
        failure = str(error) or type(error).__name__
        return Knock(address=address, trouble=Trouble.SILENT, failure=failure, certificate_until=until)
    return Knock(address=address, certificate_until=until)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class _OursRefused(Exception):
    """A broker that we trust does not trust us."""

    def __init__(self, alert: str, theirs_until: datetime | None) -> None:
        super().__init__(alert)
        self.alert = alert
        self.theirs_until = theirs_until


async def _certificate_until(kafka: KafkaAddress, host: str, port: int) -> datetime | None:
    """Of theirs; None in plain text. Raises _OursRefused, OSError."""
    if kafka.ssl_context is None:
        return None
    until = None
    try:
        reader, writer = await asyncio.open_connection(
            host, port, ssl=kafka.ssl_context, server_hostname=host
        )
        try:
            ends = (writer.get_extra_info("peercert") or {}).get("notAfter")
            until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None
            # With TLS 1.3 our side of the handshake is over before the broker has looked at what we show.
            writer.write(_WHO_IS_THERE)
            await reader.read(1)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
    except ssl.SSLError as error:
        alert = error.reason or ""
        if "ALERT" in alert and any(each in alert for each in _ALERTS_ON_OURS):
            raise _OursRefused(alert.replace("_", " ").lower(), until) from error
        raise
    return until


async def _sign_in(kafka: KafkaAddress, host: str, port: int) -> None:
    options = kafka.client_options("tierlink-knock")
    del options["bootstrap_servers"]
    connection = await create_conn(host, port, request_timeout_ms=int(_TIMEOUT_S * 1000), **options)
    connection.close()
