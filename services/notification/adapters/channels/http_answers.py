"""One POST of a channel: bounded, no redirects, and every failure told as what it is."""

import httpx

from services.notification.application.channels import ChannelRefused

#: More than any of these receivers has to say.
_ANSWER_BYTES_MAX = 16_384


def new_client(timeout_s: float) -> httpx.AsyncClient:
    """Every wait is bounded. An answer that points elsewhere is a refusal: it may be anybody's address."""
    return httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False)


async def post(
    client: httpx.AsyncClient, url: str, *, content: bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    """The status and the beginning of the answer.

    Raises ChannelRefused: for certain when there was no connection, unknown when it broke afterwards.
    """
    try:
        async with client.stream("POST", url, content=content, headers=headers) as response:
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _ANSWER_BYTES_MAX:
                    break
            return response.status_code, body[:_ANSWER_BYTES_MAX]
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ChannelRefused(f"NOT_CONNECTED {type(error).__name__}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ChannelRefused(f"BROKEN_OFF {type(error).__name__}", is_unknown=True) from error
