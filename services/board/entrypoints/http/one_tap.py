"""`/answer/{code}`: answers an alert from the telephone, without a login.

Looking changes nothing, for messengers open links before people do; only a button that is pressed acts. Every
code that is not in force gets one and the same page. The page needs no script, no cookie and no other site.
"""

import re
from collections.abc import Mapping
from functools import cache
from html import escape
from string import Template
from urllib.parse import parse_qs

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.board.application.one_tap import Allowance, OneTap
from services.board.application.platform import PlatformRefused, Refusal, Resource
from services.board.entrypoints.http.pages_folder import PAGES
from services.board.texts import catalogue

_log = structlog.get_logger(__name__)

_CODE = re.compile(r"[A-Za-z0-9_-]{35}")
_BODY_BYTES_MAX = 2_048
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_LANGUAGES = ("zh", "en")
_ACTIONS = ("ACKNOWLEDGE", "ACCEPT", "DECLINE")

#: A refusal of what the link asked for; every other one is a link that is not in force.
_TOLD = {Refusal.CONFLICT: ("late", 409), Refusal.AWAY: ("away", 503), Refusal.FAULT: ("away", 502)}


class OneTapPages:
    """The pages of links. Without `one_tap` the site has none."""

    def __init__(self, one_tap: OneTap | None, allowance: Allowance) -> None:
        self._one_tap = one_tap
        self._allowance = allowance

    def routes(self) -> list[Route]:
        return [
            Route("/answer/{code}", self.show, methods=["GET"]),
            Route("/answer/{code}", self.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What the link asks."""
        code = request.path_params["code"]
        if not self._may_try(request):
            return _notice("slow", 429)
        if self._one_tap is None or not _CODE.fullmatch(code):
            return _notice("unknown", 404)
        try:
            found = await self._one_tap.look(code)
        except PlatformRefused as refused:
            return _refusal(refused.refusal)
        return _asking(found, _language(request, found))

    async def act(self, request: Request) -> Response:
        """What was pressed is done."""
        code = request.path_params["code"]
        if not self._may_try(request):
            return _notice("slow", 429)
        pressed = await _form(request)
        action, reason = pressed.get("action", ""), pressed.get("reason", "")
        if self._one_tap is None or not _CODE.fullmatch(code) or action not in _ACTIONS:
            return _notice("unknown", 404)
        try:
            await self._one_tap.answer(code, action, reason if action == "DECLINE" else "")
        except PlatformRefused as refused:
            if refused.refusal is Refusal.INVALID and action == "DECLINE":
                return _notice("reason", 400)
            _log.info("answer_refused", action=action, refusal=refused.refusal.value)
            return _refusal(refused.refusal)
        _log.info("answered", action=action)
        return _notice(f"done.{action.lower()}", 200)

    def _may_try(self, request: Request) -> bool:
        return self._allowance.take(request.client.host if request.client else "")


def _language(request: Request, found: Resource) -> str:
    chosen = request.query_params.get("lang", found.get("language", ""))
    return chosen if chosen in _LANGUAGES else "zh"


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a small form; nothing of any other body."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_BYTES_MAX:
            return {}
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    return {name: values[0] for name, values in fields.items()}


def _refusal(refusal: Refusal) -> Response:
    notice, status = _TOLD.get(refusal, ("unknown", 404))
    return _notice(notice, status)


def _notice(name: str, status: int) -> Response:
    """One sentence, in both languages: whose link it is may not be known."""
    text = catalogue()[f"answer.{name}"]
    return _page("zh", text.zh, f'<p lang="en">{escape(text.en)}</p>', status)


def _asking(found: Resource, language: str) -> Response:
    said = {key: str(found.get(key, {}).get(language, "")) for key in ("headline", "about", "countdown")}
    parts = [
        f"<p>{escape(said['about'])}</p>",
        f'<p class="countdown">{escape(said["countdown"])}</p>' if said["countdown"] else "",
        *(_button(action, found, language) for action in found["actions"]),
        _language_link(language),
    ]
    return _page(language, said["headline"], "\n".join(part for part in parts if part), 200)


def _button(action: str, found: Resource, language: str) -> str:
    label = escape(_say(f"answer.{action.lower()}", language))
    button = f'<button class="{action.lower()}" name="action" value="{escape(action)}">{label}</button>'
    if action != "DECLINE":
        return f'<form method="post">{button}</form>'
    options = "".join(
        f'<option value="{escape(str(reason["code"]))}">{escape(str(reason["text"][language]))}</option>'
        for reason in found.get("decline_reasons", ())
    )
    why = escape(_say("answer.why", language))
    return (
        f'<form method="post"><label for="reason">{why}</label>'
        f'<select id="reason" name="reason" required><option value=""></option>{options}</select>'
        f"{button}</form>"
    )


def _language_link(language: str) -> str:
    other = "en" if language == "zh" else "zh"
    return f'<p class="language"><a href="?lang={other}">{escape(_say("answer.language", language))}</a></p>'


def _say(key: str, language: str) -> str:
    text = catalogue()[key]
    return text.en if language == "en" else text.zh


def _page(language: str, title: str, content: str, status: int) -> Response:
    """`content` is markup, made above of escaped values alone."""
    page = _template().substitute(lang=language, title=escape(title), content=content)
    headers = {"cache-control": "no-store", "content-security-policy": _POLICY}
    return HTMLResponse(page, status_code=status, headers=headers)


@cache
def _template() -> Template:
    return Template((PAGES / "answer.html").read_text("utf-8"))
