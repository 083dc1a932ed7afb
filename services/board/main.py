"""The board's composition root: the only place where its objects meet."""

import asyncio
import json
import socket
import sys
import time

import structlog
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from services.board.adapters.bed_news import GrpcBedNews
from services.board.adapters.cookie_seal import read_seal
from services.board.adapters.one_tap import GrpcOneTap
from services.board.adapters.platform import GrpcPlatform
from services.board.application.door_times import DoorTimes
from services.board.application.one_tap import Allowance
from services.board.application.platform import BedNews, Platform
from services.board.application.presence import Presence
from services.board.application.sessions import Sessions
from services.board.application.watching import Rhythm
from services.board.entrypoints.http.answering import Answers
from services.board.entrypoints.http.app import build_app
from services.board.entrypoints.http.guard import Guard
from services.board.entrypoints.http.one_tap import OneTapPages
from services.board.entrypoints.http.signing_in import SigningIn
from services.board.entrypoints.http.streams import Streams
from services.board.entrypoints.http.traced import TracedRequests
from services.board.settings import BoardSettings
from services.shared.lifecycle.collector import spare_what_stays
from services.shared.lifecycle.tracing import build_tracing
from services.shared.rpc.channels import Channels, open_channels
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.signing import read_signing_key
from services.shared.rpc.stop_signals import StopSignals, stop_signals
from services.shared.telemetry.logging import LogSettings, configure_logging
from services.shared.telemetry.tracer import Tracer

SERVICE = "board"

_log = structlog.get_logger(__name__)
#: What an answer may still take when the process stops; streams are ended at once.
_DRAIN_TIMEOUT_S = 5
_BACKLOG = 1024
#: Sessions remembered as closed; more sign-outs in twelve hours than a region has.
_CLOSED_MAX = 100_000


def main() -> int:
    """Runs the board. Returns the process's exit code.

    Prints one line of JSON when it serves: where it listens.
    """
    settings = BoardSettings()
    configure_logging(LogSettings(service=SERVICE, level=settings.log_level))
    return uvloop.run(_run(settings))


async def _run(settings: BoardSettings) -> int:
    verifier = TokenVerifier(TokenSettings(jwks=settings.jwks, audience=settings.token_audience))
    # The board has no metrics: what is lost is told in its log.
    tracing = build_tracing(SERVICE, settings, CollectorRegistry())
    await verifier.open()
    try:
        listening = _listen(settings)
        with stop_signals() as signals:
            async with open_channels(settings.addresses()) as channels:
                platform = GrpcPlatform(channels)
                news = GrpcBedNews(channels)
                await _serve(
                    settings,
                    verifier,
                    platform,
                    listening,
                    signals,
                    news=news,
                    links=_links(settings, channels),
                    tracer=None if tracing is None else tracing.tracer,
                )
        return 0
    finally:
        await verifier.close()
        if tracing is not None:
            await tracing.close()


async def _serve(
    settings: BoardSettings,
    verifier: TokenVerifier,
    platform: Platform,
    listening: socket.socket,
    signals: StopSignals,
    *,
    news: BedNews,
    links: OneTapPages,
    tracer: Tracer | None,
) -> None:
    sessions = Sessions(
        read_seal(settings.session_key), lifetime_s=settings.session_s, closed_max=_CLOSED_MAX
    )
    guard = Guard(sessions=sessions, https=settings.https)
    rhythm = Rhythm(heartbeat_s=settings.heartbeat_s)
    streams = Streams(guard, platform, news, rhythm, streams_max=settings.streams_max)
    answers = Answers(
        guard,
        platform,
        doors=DoorTimes(platform, fallback_minutes=settings.door_minutes),
        presence=Presence(platform),
        heartbeat_s=settings.heartbeat_s,
    )
    app = build_app(guard, signing_in=SigningIn(guard, verifier), streams=streams, answers=answers)
    app.routes.extend(links.routes())
    server = _Server(
        uvicorn.Config(
            app if tracer is None else TracedRequests(app, tracer),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_DRAIN_TIMEOUT_S,
        )
    )
    spare_what_stays()
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    stop = asyncio.create_task(signals.stop.wait(), name="stop")
    host, port = listening.getsockname()[:2]
    sys.stdout.write(json.dumps({"service": SERVICE, "http": f"{host}:{port}"}) + "\n")
    sys.stdout.flush()
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    streams.stop()
    server.should_exit = True
    await serving
    stop.cancel()


def _links(settings: BoardSettings, channels: Channels) -> OneTapPages:
    """Pages of answer links; without a key to open them, every link is unknown. Raises SigningKeyError."""
    allowance = Allowance(per_minute=settings.answers_per_minute, clock=time.monotonic)
    if settings.signing_key is None:
        return OneTapPages(None, allowance)
    key = read_signing_key(settings.signing_key)
    return OneTapPages(GrpcOneTap(channels, key, audience=settings.token_audience), allowance)


class _Server(uvicorn.Server):
    """Leaves the signals to `main`, which ends the streams first."""

    def install_signal_handlers(self) -> None:
        return


def _listen(settings: BoardSettings) -> socket.socket:
    """Raises OSError when the address is taken or not this machine's."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((settings.host, settings.port))
    listening.listen(_BACKLOG)
    return listening
