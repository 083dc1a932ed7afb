"""What requests carry, bounded and checked for being what it should be."""

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

#: As long as the services' contract lets an id be.
_FACILITY_LENGTH_MAX = 64


def asked_facility(request: Request) -> str:
    """The facility that a page chose; empty where it chose none."""
    return request.query_params.get("facility", "")[:_FACILITY_LENGTH_MAX]


async def body_of(request: Request, *, bytes_max: int = 16_384) -> dict[str, Any]:
    """The body's JSON object. Raises HTTPException for another type, a longer body or no object."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "application/json is expected")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise HTTPException(413, f"at most {bytes_max} bytes")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, "not JSON") from error
    if not isinstance(content, dict):
        raise HTTPException(400, "a JSON object is expected")
    return content
