"""TLS in front of a PostgreSQL that has none: what a client of a site's server meets."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from tests.faults.line import Line, aim
from tests.faults.wire import PlainWire

#: PostgreSQL's request for TLS: its length, and a version that is none.
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


class _TlsLine(Line):
    """Has whoever connects ask for TLS, and speak it from then on."""

    def __init__(self, certificate: Path) -> None:
        super().__init__(PlainWire, random=Random(1))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(len(_SSL_REQUEST))
        if asked != _SSL_REQUEST:
            raise ConnectionError("spoken to in plain text")
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(self._context)


@asynccontextmanager
async def tls_front(dsn: str, certificate: Path) -> AsyncIterator[str]:
    """A DSN for the block by which a server is reached with TLS and this certificate."""
    line = _TlsLine(certificate)
    await line.start()
    try:
        yield aim(line, dsn)
    finally:
        await line.stop()
