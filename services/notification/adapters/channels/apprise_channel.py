"""WeCom, DingTalk, Feishu, mail and a plain JSON webhook, by Apprise.

Apprise is blocking, so it runs in threads of the channel's own, and tells no more than true or false. The
three messengers answer 200 to what they refuse and say so in the body (`errcode`, `code`), which Apprise does
not read: `_CheckedRequests` does, in its place. The package is optional: a site without these channels needs
none.
"""

import asyncio
import importlib
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import msgspec

from services.notification.application.channels import ChannelRefused, Parcel, Receipt

_PACKAGE = "apprise"
#: Modules of Apprise's that look at the HTTP status alone.
_SAY_SO_IN_THE_BODY = ("wecombot", "dingtalk", "feishu")

#: What a messenger said last, in this thread.
_said = threading.local()


class AppriseMissing(Exception):
    """The package `apprise` is not installed."""


class AppriseChannel:
    """Implements `Channel`. `{address}` and `{secret}` in the URL are the recipient's own."""

    def __init__(self, url: str, *, timeout_s: float, concurrency: int) -> None:
        """Raises AppriseMissing; ValueError for a URL that Apprise does not understand."""
        self._url = url
        self._timeout_s = timeout_s
        with warnings.catch_warnings():
            # The first URL makes Apprise import all its plugins; what those import is theirs to renew.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._apprise = _load()
            probe = "nobody@example.invalid" if url.startswith("mail") else "address"
            if self._plugin(probe, "secret") is None:
                raise ValueError("Apprise does not understand the URL")
        self._threads = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="apprise")

    async def send(self, parcel: Parcel) -> Receipt:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._notify, parcel)
        return Receipt()

    async def close(self) -> None:
        # A thread that waits for a server ends with its sockets' own timeouts.
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, parcel: Parcel) -> None:
        _said.words = ""
        plugin = self._plugin(parcel.address, parcel.secret)
        if plugin is None:
            raise ChannelRefused("NOT_AN_ADDRESS", is_final=True, is_recipients=True)
        if hasattr(plugin, "headers"):
            plugin.headers["Idempotency-Key"] = parcel.idempotency_key
        took = bool(
            plugin.notify(
                body="\n".join(parcel.message.lines[1:]) or parcel.message.headline,
                title=parcel.message.headline,
                body_format=self._apprise.NotifyFormat.TEXT,
            )
        )
        if not took:
            raise ChannelRefused(_said.words or "NOT_TAKEN", is_unknown=not _said.words)

    def _plugin(self, address: str, secret: str) -> Any:
        """A new one for each message: it keeps what the last one said."""
        url = self._url.replace("{address}", quote(address, safe="")).replace(
            "{secret}", quote(secret, safe="")
        )
        asset = self._apprise.AppriseAsset(async_mode=False, secure_logging=True, http_redirects=False)
        plugin = self._apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if plugin is not None:
            plugin.socket_connect_timeout = plugin.socket_read_timeout = self._timeout_s / 2
        return plugin


class _CheckedRequests:
    """`requests` as those modules see it: a refusal in the body is an error as well."""

    def __init__(self, requests: Any) -> None:
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        response = self._requests.post(*args, **kwargs)
        try:
            content = msgspec.json.decode(response.content, type=dict[str, Any])
        except msgspec.MsgspecError:
            return response
        code = content.get("errcode", content.get("code", 0))
        if code:
            _said.words = f"REFUSED {code}"
            raise self._requests.RequestException(_said.words)
        return response


def _load() -> Any:
    try:
        apprise = importlib.import_module(_PACKAGE)
    except ModuleNotFoundError as error:
        raise AppriseMissing("install the package apprise: pip install 'tierlink[channels]'") from error
    for name in _SAY_SO_IN_THE_BODY:
        module: Any = importlib.import_module(f"{_PACKAGE}.plugins.{name}")
        if not isinstance(module.requests, _CheckedRequests):
            module.requests = _CheckedRequests(module.requests)
    return apprise
