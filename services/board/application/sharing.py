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
from functools import partial

from services.board.application.page import Page
from services.board.application.platform import Heard, Resource
from services.board.application.watching import Kind, Rhythm, Told, watch

#: Changes kept for pages that come back.
_LATELY_MAX = 500
#: Resume tokens kept; signs of life bring one every few seconds.
_TOKENS_MAX = 2_000

#: Who may see the same.
View = tuple[str, ...]
#: Begins a service's stream with a person's token, after a resume token.
BeginWith = Callable[[str, str], AsyncGenerator[Heard, None]]


class SharedStream:
    """The stream of one view, for as long as a page reads it."""

    def __init__(self, begin: BeginWith, rhythm: Rhythm) -> None:
        self._begin = begin
        self._rhythm = rhythm
        #: in the order in which they came, with the part that this stream is of what each is told
        self._pages: dict[Page, str] = {}
        self.pump: asyncio.Task[None] | None = None
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

    def join(self, page: Page, part: str, resume_token: str) -> None:
        """From here on the page is told, from where it was or from the whole picture."""
        # Between the picture and what follows nothing comes, so that nothing is missed.
        page.begin(part, self._beginning(resume_token))
        self._pages[page] = part
        if self.pump is None or self.pump.done():
            self.pump = asyncio.create_task(self._run(), name="shared stream")

    def leave(self, page: Page) -> None:
        self._pages.pop(page, None)

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
        for page, part in self._pages.items():
            page.give(part, told)


class SharedStreams:
    """The shared streams of one kind, by who may see the same."""

    def __init__(self, begin: Callable[[View], BeginWith], rhythm: Rhythm) -> None:
        """`begin` says how the stream of a view is begun."""
        self._begin = begin
        self._rhythm = rhythm
        self._streams: dict[View, SharedStream] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """Streams of the service."""
        return len(self._streams)

    def join(self, view: View, page: Page, part: str, resume_token: str) -> Callable[[], None]:
        """The page is told what the view's stream says, until what is returned is called."""
        stream = self._streams.get(view)
        if stream is None:
            stream = self._streams[view] = SharedStream(self._begin(view), self._rhythm)
        stream.join(page, part, resume_token)
        return partial(self._leave, view, stream, page)

    def _leave(self, view: View, stream: SharedStream, page: Page) -> None:
        stream.leave(page)
        if stream.pages or self._streams.get(view) is not stream:
            return
        del self._streams[view]
        if stream.pump is not None:
            # It ends the service's stream by itself, and is held until it has.
            stream.pump.cancel()
            self._ending.add(stream.pump)
            stream.pump.add_done_callback(self._ending.discard)
