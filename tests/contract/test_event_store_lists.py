"""Lists, documents and scans of the event store: the tests' double and PostgreSQL alike."""

from services.shared.eventstore.store import StreamQuery
from services.shared.eventstore.units import (
    AppendUnit,
    Document,
)
from tests.contract.conftest import Wanted
from tests.contract.writer import Writer


async def test_lists_are_pages_with_the_latest_change_first(store: Wanted) -> None:
    writer = Writer(store)
    for number in range(5):
        await writer.move(f"p/{number}", "road")
    await writer.move("p/0", "hill")

    first = await store.find(StreamQuery(kind="parcel", contains={"parties": ["depot"]}, limit=3))
    rest = await store.find(
        StreamQuery(kind="parcel", contains={"parties": ["depot"]}, after=first.next_after, limit=3)
    )
    on_road = await store.find(StreamQuery(kind="parcel", contains={"live": True}, states=("road",)))

    assert [s.stream_id for s in first.streams] == ["p/0", "p/4", "p/3"]
    assert [s.stream_id for s in rest.streams] == ["p/2", "p/1"]
    assert rest.next_after is None
    assert len(on_road.streams) == 4
    for parties, count in ((("x",), 0), (("depot",), 5), (("x", "hill"), 1), ((), 0)):
        found = await store.find(StreamQuery(kind="parcel", contains={}, parties=parties))
        assert len(found.streams) == count, parties


async def test_several_lists_are_read_at_once(store: Wanted) -> None:
    writer = Writer(store)
    for number, place in enumerate(("road", "hill", "end", "road")):
        await writer.move(f"p/{number}", place)

    async def found(*wanted: dict[str, object]) -> list[str]:
        return sorted(each.stream_id for each in await store.find_any("parcel", wanted))

    assert await found({"state": "road"}, {"state": "end"}) == ["p/0", "p/2", "p/3"]
    assert await found({"state": "road"}, {"state": "road", "live": True}) == ["p/0", "p/3"]
    assert await found({"state": "road", "live": False}) == []
    assert await found() == []
    assert await store.find_any("letter", [{"state": "road"}]) == []


async def test_a_document_is_never_replaced_by_an_older_one(store: Wanted) -> None:
    def document(key: str, version: int, value: bytes) -> Document:
        return Document(kind="copy", key=key, version=version, value=value)

    for each in (document("a", 1, b"1"), document("b", 5, b"5"), document("b", 3, b"3")):
        await store.append(AppendUnit(documents=(each,)))

    assert await store.load_document("copy", "b") == document("b", 5, b"5")
    assert await store.load_document("copy", "c") is None
    listed = await store.list_documents("copy", after_key="a", limit=10)
    assert list(listed) == [document("b", 5, b"5")]


async def test_scan_goes_by_id(store: Wanted) -> None:
    writer = Writer(store)
    for number in (3, 1, 2):
        await writer.move(f"p/{number}", "road")

    page = await store.scan(kind="parcel", after_stream_id="p/1", limit=10)

    assert [stream.stream_id for stream in page] == ["p/2", "p/3"]
    assert list(await store.scan(kind="other", after_stream_id="", limit=10)) == []
