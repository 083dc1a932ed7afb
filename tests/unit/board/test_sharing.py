"""Pages that may see the same share one stream, miss nothing, and one that does not read is dropped."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from services.board.application.page import Page
from services.board.application.platform import Heard
from services.board.application.sharing import SharedStreams
from services.board.application.watching import Kind, Rhythm, Told

FAST = Rhythm(heartbeat_s=0.01, silence_s=5.0, retry_s=0.001, retry_s_max=0.002)
VIEW, OTHER_VIEW = ("dr-li", "jimsar-general", "clinician"), ("dr-wu", "wucaiwan", "clinician")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


class Service:
    """Streams that say what a test has them say."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.open: list[asyncio.Queue[Heard]] = []

    async def begin(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        self.begun.append((token, resume_token))
        queue: asyncio.Queue[Heard] = asyncio.Queue()
        self.open.append(queue)
        try:
            if not resume_token:
                yield heard("old", "")
                yield Heard(resource=None, event_type="", resume_token="picture")
            while True:
                yield await queue.get()
        finally:
            self.open.remove(queue)

    def say(self, *messages: Heard) -> None:
        for message in messages:
            self.open[0].put_nowait(message)


def heard(name: str, token: str, *, is_over: bool = False) -> Heard:
    return Heard(resource={"name": name}, event_type="", resume_token=token, is_over=is_over)


class Reader:
    """One page."""

    def __init__(
        self, streams: SharedStreams, token: str = "t", resume: str = "", view: tuple[str, ...] = VIEW
    ) -> None:
        self.is_signed_in = True
        self.page = Page(("alerts",), token=token, is_signed_in=lambda: self.is_signed_in)
        self.told: list[Told] = []
        self.task = asyncio.create_task(self._read(streams, view, resume))

    async def _read(self, streams: SharedStreams, view: tuple[str, ...], resume: str) -> None:
        leave = streams.join(view, self.page, "alerts", resume)
        try:
            async for found in self.page.news():
                self.told.extend(each.told for each in found)
        finally:
            leave()

    @property
    def names(self) -> list[str]:
        return [str(told.resource["name"]) for told in self.told if told.resource is not None]

    @property
    def token(self) -> str:
        return next(told.resume_token for told in reversed(self.told) if told.resume_token)

    async def until(self, *names: str) -> None:
        await until(lambda: self.names == list(names))

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_pages_with_one_view_are_one_stream_and_others_have_their_own() -> None:
    service = Service()
    streams = SharedStreams(lambda _view: service.begin, FAST)
    first, second = Reader(streams), Reader(streams, token="u")
    await first.until("old")
    await second.until("old")
    other = Reader(streams, token="v", view=OTHER_VIEW)
    await other.until("old")
    assert service.begun == [("t", ""), ("v", "")]
    service.say(heard("new", "1"))
    await first.until("old", "new")
    await second.until("old", "new")
    await other.until("old")
    for reader in (first, second, other):
        await reader.leave()
    assert streams.open == 0
    await until(lambda: not service.open)


async def test_who_comes_later_begins_with_the_picture_as_it_is_now() -> None:
    service = Service()
    streams = SharedStreams(lambda _view: service.begin, FAST)
    first = Reader(streams)
    await first.until("old")
    service.say(heard("new", "1"), heard("old", "2", is_over=True), heard("new", "3"))
    await first.until("old", "new", "old", "new")
    late = Reader(streams)
    await late.until("new")
    assert late.told[0].kind is Kind.RESTART
    assert late.token in ("3", *(told.resume_token for told in first.told))
    await late.leave()
    await first.leave()


async def test_who_comes_back_is_told_what_came_meanwhile_and_nothing_twice() -> None:
    service = Service()
    streams = SharedStreams(lambda _view: service.begin, FAST)
    stays, leaves = Reader(streams), Reader(streams)
    await leaves.until("old")
    service.say(heard("a", "1"))
    await leaves.until("old", "a")
    await leaves.leave()
    service.say(heard("b", "2"), heard("c", "3"))
    await stays.until("old", "a", "b", "c")
    back = Reader(streams, resume=leaves.token)
    await back.until("b", "c")
    assert Kind.RESTART not in {told.kind for told in back.told}
    unknown = Reader(streams, resume="of another server")
    await unknown.until("old", "a", "b", "c")
    assert unknown.told[0].kind is Kind.RESTART
    for reader in (stays, back, unknown):
        await reader.leave()


async def test_the_stream_goes_on_with_a_colleagues_token_when_a_person_signs_out() -> None:
    service = Service()
    streams = SharedStreams(lambda _view: service.begin, FAST)
    first = Reader(streams, token="t")
    await first.until("old")
    second = Reader(streams, token="u")
    await second.until("old")
    first.is_signed_in = False
    await until(lambda: first.task.done() and len(service.begun) == 2)
    assert first.told[-1].kind is Kind.REFUSED
    assert service.begun[1] == ("u", "picture")
    service.say(heard("new", "1"))
    await second.until("old", "new")
    second.is_signed_in = False
    await until(second.task.done)
    assert second.told[-1].kind is Kind.REFUSED


async def test_a_page_that_does_not_read_is_dropped_and_the_others_are_not() -> None:
    service = Service()
    streams = SharedStreams(lambda _view: service.begin, FAST)
    reads = Reader(streams)
    await reads.until("old")
    slow = Page(("alerts",), token="t", is_signed_in=lambda: True)
    leave = streams.join(VIEW, slow, "alerts", "")
    stuck = slow.news()
    await anext(stuck)
    names = [f"alert-{number}" for number in range(600)]
    service.say(*(heard(name, name) for name in names))
    await reads.until("old", *names)
    assert slow.is_dropped
    assert [found async for found in stuck] == []
    leave()
    # A picture is no arrears, however long it is.
    late = Reader(streams)
    await late.until("old", *names)
    assert not late.page.is_dropped
    await late.leave()
    await reads.leave()
