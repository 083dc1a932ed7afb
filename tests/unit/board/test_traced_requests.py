"""A page's request begins a trace, which its calls carry on; what it says names no address."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.board.adapters.calling import metadata_of
from services.board.entrypoints.http.traced import TracedRequests
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent
from tests.doubles.spans import Kept

FORGED = f"00-{'a' * 32}-{'b' * 16}-01"


class Board:
    """Two routes and a file, and the metadata of the calls that they would make."""

    def __init__(self, *, ratio: float) -> None:
        self.kept = Kept()
        self.metadata: list[dict[str, str]] = []
        routes = [Route(path, self._answer) for path in ("/api/beds", "/answer/{code}", "/livez")]
        app = Starlette(routes=[*routes, Route("/api/fault", self._fault)])
        self._app = TracedRequests(app, Tracer(self.kept, ratio=ratio))

    async def _answer(self, _request: Request) -> Response:
        self.metadata.append(dict(metadata_of("t")))
        return PlainTextResponse("ok")

    async def _fault(self, _request: Request) -> Response:
        raise RuntimeError

    async def get(self, path: str) -> int:
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://board.test") as client:
            return (await client.get(path, headers={"traceparent": FORGED})).status_code


@pytest.mark.parametrize(
    ("path", "status", "route", "error"),
    [
        ("/api/beds?facility=x", 200, "/api/beds", ""),
        ("/answer/opens-it", 200, "/answer/{code}", ""),
        ("/api/no-such-thing", 404, "unknown", ""),
        ("/api/fault", 500, "/api/fault", "500"),
    ],
)
async def test_it_is_told_by_its_route(path: str, status: int, route: str, error: str) -> None:
    board = Board(ratio=1.0)
    assert await board.get(path) == status
    (span,) = board.kept.spans
    assert (span.name, span.kind, span.error) == (f"GET {route}", SpanKind.SERVER, error)
    assert dict(span.attributes)["http.response.status_code"] == status
    # Whatever the browser says, the trace begins here.
    assert span.context.trace_id != "a" * 32 and span.context.parent_span_id == ""
    for metadata in board.metadata:
        assert metadata == {"authorization": "Bearer t", "traceparent": span.context.traceparent}


async def test_what_is_not_chosen_is_not_recorded_and_its_calls_are_told_so() -> None:
    board = Board(ratio=0.0)
    assert await board.get("/api/beds") == 200
    assert board.kept.spans == []
    told = parse_traceparent(board.metadata[0]["traceparent"])
    assert told is not None and not told.sampled and told.trace_id != "a" * 32


async def test_a_file_and_a_probe_begin_no_trace() -> None:
    board = Board(ratio=1.0)
    assert await board.get("/livez") == 200
    assert board.kept.spans == [] and board.metadata == [{"authorization": "Bearer t"}]
