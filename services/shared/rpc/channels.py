"""Open channels to the three services."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

#: The services, in the order in which they are named everywhere.
SERVICES = ("referral", "bed", "notification")

_OPTIONS = [
    # grpc's own backoff grows to two minutes; a service that is back is wanted at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # Tells a service that was killed together with its machine from one that is silent.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Two clients in one process, such as two tests, must not share a broken connection's backoff.
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """`host:port` of each service's gRPC."""

    referral: str
    bed: str
    notification: str
    #: PEM files; TLS when the CA is given, mutual TLS with certificate and key as well
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def of(self, service: str) -> str:
        """The address of one of SERVICES."""
        return self.by_service()[service]

    def by_service(self) -> Mapping[str, str]:
        """All of them by service."""
        return {"referral": self.referral, "bed": self.bed, "notification": self.notification}


class Channels:
    """One channel to each service; made by `open_channels`."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._channels = channels

    def of(self, service: str) -> grpc.aio.Channel:
        """The channel to one of SERVICES."""
        return self._channels[service]


@asynccontextmanager
async def open_channels(addresses: Addresses) -> AsyncIterator[Channels]:
    """Channels for the time of the block; they connect when first used. Raises OSError for a PEM file."""
    credentials = _credentials(addresses)
    channels = {
        service: grpc.aio.insecure_channel(address, options=_OPTIONS)
        if credentials is None
        else grpc.aio.secure_channel(address, credentials, options=_OPTIONS)
        for service, address in addresses.by_service().items()
    }
    try:
        yield Channels(channels)
    finally:
        for channel in channels.values():
            await channel.close()


def _credentials(addresses: Addresses) -> grpc.ChannelCredentials | None:
    if addresses.tls_ca is None:
        return None
    return grpc.ssl_channel_credentials(
        addresses.tls_ca.read_bytes(),
        addresses.tls_key.read_bytes() if addresses.tls_key else None,
        addresses.tls_certificate.read_bytes() if addresses.tls_certificate else None,
    )
