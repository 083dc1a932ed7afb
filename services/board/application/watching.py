"""A watch stream as a page needs it: never silent, never ending, and honest about what it cannot see.

A page that hears nothing cannot tell a quiet night from a broken wire. So there is a sign of life every few
seconds, and where the services behind cannot be heard the page is told that, and not that all is well.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from services.board.application.platform import Heard, Resource


class Kind(StrEnum):
    """What a page is told."""

    CHANGE = "change"
    #: the page, this server and the service are in touch
    HEARTBEAT = "heartbeat"
    #: the service behind cannot be heard
    OUTAGE = "outage"
    #: the picture begins: what was shown before is to be dropped first
    RESTART = "restart"
    #: the person may not see this, or is signed in no more
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One thing that a page is told."""

    kind: Kind
    #: of a change: the resource
    resource: Resource | None = None
    event_type: str = ""
    #: of a change: the resource is no longer live
    is_over: bool = False
    #: to go on from; empty where there is none
    resume_token: str = ""


class StreamBroken(Exception):
    """The stream ended or could not be begun; it may be begun again."""


class StreamRefused(Exception):
    """The stream is not this person's to read, or cannot be resumed from where the page was."""

    def __init__(self, *, token_is_bad: bool) -> None:
        super().__init__()
        self.token_is_bad = token_is_bad


#: Begins a stream after a resume token, from the beginning without one.
#: Its generator raises StreamBroken and StreamRefused.
Begin = Callable[[str], AsyncGenerator[Heard, None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How often a page hears something."""

    heartbeat_s: float
    #: services send a sign of life themselves; without one for so long they cannot be heard
    silence_s: float = 12.0
    #: between two tries to reach a service
    retry_s: float = 0.5
    retry_s_max: float = 5.0


async def watch(
    begin: Begin,
    resume_token: str,
    rhythm: Rhythm,
    *,
    is_signed_in: Callable[[], bool],
) -> AsyncGenerator[Told, None]:
    """What a page is told, until the person is signed in no more or is refused."""
    token, retry_s = resume_token, rhythm.retry_s
    while True:
        try:
            async with aclosing(_one_stream(begin, token, rhythm, is_signed_in)) as told:
                async for each in told:
                    if each.resume_token:
                        token, retry_s = each.resume_token, rhythm.retry_s
                    yield each
            return
        except StreamRefused as refusal:
            if not (refusal.token_is_bad and token):
                yield Told(kind=Kind.REFUSED)
                return
            # The token is of a stream that is no more: the page begins with a fresh picture.
            token = ""
        except StreamBroken:
            yield Told(kind=Kind.OUTAGE)
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, rhythm.retry_s_max)
        if not is_signed_in():
            yield Told(kind=Kind.REFUSED)
            return


async def _one_stream(
    begin: Begin, token: str, rhythm: Rhythm, is_signed_in: Callable[[], bool]
) -> AsyncGenerator[Told, None]:
    """One connection to the service. Raises StreamBroken, StreamRefused."""
    loop = asyncio.get_running_loop()
    heard_at_s = loop.time()
    if not token:
        yield Told(kind=Kind.RESTART)
    async with aclosing(begin(token)) as messages:
        pending = asyncio.ensure_future(anext(messages))
        try:
            while True:
                done, _ = await asyncio.wait({pending}, timeout=rhythm.heartbeat_s)
                if not is_signed_in():
                    yield Told(kind=Kind.REFUSED)
                    return
                if not done:
                    is_silent = loop.time() - heard_at_s > rhythm.silence_s
                    yield Told(kind=Kind.OUTAGE if is_silent else Kind.HEARTBEAT)
                    continue
                heard = _heard(pending)
                heard_at_s = loop.time()
                yield _told(heard)
                pending = asyncio.ensure_future(anext(messages))
        finally:
            pending.cancel()
            # Only once it has ended may the generator be closed.
            await asyncio.gather(pending, return_exceptions=True)


def _heard(pending: "asyncio.Future[Heard]") -> Heard:
    try:
        return pending.result()
    except StopAsyncIteration as error:
        raise StreamBroken from error


def _told(heard: Heard) -> Told:
    return Told(
        kind=Kind.HEARTBEAT if heard.resource is None else Kind.CHANGE,
        resource=heard.resource,
        event_type=heard.event_type,
        is_over=heard.is_over,
        resume_token=heard.resume_token,
    )
