"""One stream of a service for all pages that may see the same.

A wall, a telephone and an office of one person's account look at the same things: the service is asked once
for all of them, and what it says is put into words once. The picture that a page begins with is kept here,
with what came lately, so that a page that comes back goes on where it was. A page that does not take what it
is sent is dropped: it comes back with its last id, and nobody is buffered for without bound.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from services.board.application.platform import Heard, Resource
from services.board.application.watching import Kind, Rhythm, Told, watch

#: What one page may be behind by: more than a busy night in minutes, less than a megabyte or two.
_BEHIND_MAX = 500
#: Changes kept for pages that come back.
_LATELY_MAX = 500
#: Resume tokens kept; signs of life bring one every few seconds.
_TOKENS_MAX = 2_000

#: Begins a service's stream with a person's token, after a resume token.
BeginWith = Callable[[str, str], AsyncGenerator[Heard, None]]


@dataclass(eq=False, kw_only=True, slots=True)
class Page:
    """One page that reads a shared stream."""

    #: the token of the person, to begin the service's stream with
    token: str
    is_signed_in: Callable[[], bool]
    waiting: deque[Told] = field(default_factory=deque)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    is_dropped: bool = False

    def give(self, told: Told) -> None:
        """Never blocks."""
        if len(self.waiting) >= _BEHIND_MAX:
            self.is_dropped = True
            self.waiting.clear()
        if not self.is_dropped:
            self.waiting.append(told)
        self.woken.set()


class SharedStream:
    """The stream of one view, for as long as a page reads it."""

    def __init__(self, begin: BeginWith, rhythm: Rhythm) -> None:
        self._begin = begin
        self._rhythm = rhythm
        #: in the order in which they came
        self._pages: dict[Page, None] = {}
        self._pump: asyncio.Task[None] | None = None
        self._picture: dict[str, Told] = {}
        #: changes with their numbers, and up to which number a token stands for
        self._lately: deque[tuple[int, Told]] = deque(maxlen=_LATELY_MAX)
        self._tokens: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._last_token = ""
        self._state: Told | None = None

    @property
    def pages(self) -> int:
        return len(self._pages)

    async def read(self, page: Page, resume_token: str) -> AsyncGenerator[Told, None]:
        """What the page is told, from where it was or from the whole picture, until dropped or refused."""
        beginning = self._beginning(resume_token)
        # Between the picture and what follows nothing comes, so that nothing is missed.
        self._pages[page] = None
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run(), name="shared stream")
        try:
            for told in beginning:
                yield told
            while not page.is_dropped:
                while page.waiting and not page.is_dropped:
                    told = page.waiting.popleft()
                    if not page.is_signed_in():
                        yield Told(kind=Kind.REFUSED)
                        return
                    yield told
                    if told.kind is Kind.REFUSED:
                        return
                page.woken.clear()
                await page.woken.wait()
        finally:
            self._pages.pop(page, None)
            if not self._pages:
                await self._end()

    async def _end(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    def _beginning(self, resume_token: str) -> list[Told]:
        if self._state is None:
            # The service's own picture is still to come.
            return []
        number = self._tokens.get(resume_token) if resume_token else None
        oldest = self._lately[0][0] if self._lately else self._count + 1
        if number is not None and number + 1 >= oldest:
            begun = [told for at, told in self._lately if at > number]
        else:
            begun = [Told(kind=Kind.RESTART), *self._picture.values()]
            if self._last_token:
                # The picture is whole: a page that is cut off now goes on from here.
                begun.append(Told(kind=Kind.HEARTBEAT, resume_token=self._last_token))
        if self._state is not None and self._state.kind is Kind.OUTAGE:
            begun.append(self._state)
        return begun

    async def _run(self) -> None:
        """Reads the service's stream for the pages; with the token of another when a person signs out."""
        while True:
            page = next((each for each in self._pages if each.is_signed_in()), None)
            if page is None:
                self._tell(Told(kind=Kind.REFUSED))
                return
            told = watch(
                partial(self._begin, page.token),
                self._last_token,
                self._rhythm,
                is_signed_in=page.is_signed_in,
            )
            is_refused = False
            async with aclosing(told) as news:
                async for each in news:
                    if each.kind is Kind.REFUSED:
                        is_refused = page.is_signed_in()
                        break
                    self._learn(each)
                    self._tell(each)
            if is_refused:
                self._tell(Told(kind=Kind.REFUSED))
                return

    def _learn(self, told: Told) -> None:
        self._state = told
        match told.kind:
            case Kind.RESTART:
                self._picture.clear()
                self._lately.clear()
                self._tokens.clear()
                self._last_token = ""
            case Kind.CHANGE:
                self._count += 1
                self._lately.append((self._count, told))
                self._keep(told)
        if told.resume_token:
            self._last_token = told.resume_token
            self._tokens[told.resume_token] = self._count
            self._tokens.move_to_end(told.resume_token)
            while len(self._tokens) > _TOKENS_MAX:
                self._tokens.popitem(last=False)

    def _keep(self, told: Told) -> None:
        resource: Resource | None = told.resource
        if resource is None:
            return
        name = str(resource["name"])
        if told.is_over:
            self._picture.pop(name, None)
        else:
            # In a picture it is no news, and no place to go on from: that is the end of the picture.
            self._picture[name] = Told(kind=Kind.CHANGE, resource=resource)

    def _tell(self, told: Told) -> None:
        for page in self._pages:
            page.give(told)


class SharedStreams:
    """The shared streams of one kind, by who may see the same."""

    def __init__(self, begin: BeginWith, rhythm: Rhythm) -> None:
        self._begin = begin
        self._rhythm = rhythm
        self._streams: dict[tuple[str, ...], SharedStream] = {}

    @property
    def open(self) -> int:
        """Streams of the service."""
        return len(self._streams)

    async def read(self, view: tuple[str, ...], page: Page, resume_token: str) -> AsyncGenerator[Told, None]:
        """As `SharedStream.read`, of the view's stream."""
        stream = self._streams.get(view)
        if stream is None:
            stream = self._streams[view] = SharedStream(self._begin, self._rhythm)
        try:
            async with aclosing(stream.read(page, resume_token)) as told:
                async for each in told:
                    yield each
        finally:
            if stream.pages == 0 and self._streams.get(view) is stream:
                del self._streams[view]
