"""Who is signed in: one browser, one session, sealed into the browser's cookie.

A board on a wall must come back by itself when its server was restarted at night, and any of several servers
must be able to serve it: so the session travels in the cookie, encrypted, where no script and no person can
read it, and the server keeps only which sessions were closed before their time.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import orjson

from services.board.application.platform import Viewer
from services.shared.kernel.actor import Actor, Role

_ID_BYTES = 16
_CSRF_BYTES = 32
#: Browsers keep no longer cookies.
COOKIE_LENGTH_MAX = 3_800


class TokenTooLong(Exception):
    """The person's token does not fit into a cookie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A signed-in browser."""

    id: str
    #: what a page must send with everything that changes something
    csrf_token: str = field(repr=False)
    actor: Actor
    #: the person's own, sent to the services with every call: they decide what is shown
    token: str = field(repr=False)
    expires_at: datetime

    @property
    def viewer(self) -> Viewer:
        """The person as the services know them."""
        actor = self.actor
        desk = (actor.facility, *sorted(role.value for role in actor.roles))
        person = (actor.user, *desk)
        return Viewer(
            token=self.token,
            facility=actor.facility,
            person=person,
            desk=desk if actor.facility else person,
        )


class Seal(Protocol):
    """Encrypts and authenticates."""

    def close(self, content: bytes) -> str:
        """Text that only this seal opens."""

    def open(self, sealed: str) -> bytes | None:
        """The content; None for anything that this seal did not close."""


class Sessions:
    """Opens, finds and closes sessions."""

    def __init__(self, seal: Seal, *, lifetime_s: int, closed_max: int) -> None:
        """`closed_max` bounds the sessions that are remembered as closed before their end."""
        self._seal = seal
        self._lifetime_s = lifetime_s
        self._closed_max = closed_max
        self._closed: OrderedDict[str, None] = OrderedDict()

    def open(self, actor: Actor, token: str, *, now: datetime, token_expires_at: datetime) -> Session:
        """A new session, always under a new id: one that was planted in a browser is worth nothing."""
        return Session(
            id=secrets.token_urlsafe(_ID_BYTES),
            csrf_token=secrets.token_urlsafe(_CSRF_BYTES),
            actor=actor,
            token=token,
            expires_at=min(now + timedelta(seconds=self._lifetime_s), token_expires_at),
        )

    def cookie_of(self, session: Session) -> str:
        """The session as a cookie's value. Raises TokenTooLong."""
        content = {
            "id": session.id,
            "csrf": session.csrf_token,
            "token": session.token,
            "until": session.expires_at.timestamp(),
            "user": session.actor.user,
            "name": session.actor.name,
            "facility": session.actor.facility,
            "roles": [role.value for role in session.actor.roles],
        }
        sealed = self._seal.close(orjson.dumps(content))
        if len(sealed) > COOKIE_LENGTH_MAX:
            raise TokenTooLong
        return sealed

    def find(self, cookie: str, *, now: datetime) -> Session | None:
        """The session of a cookie; None when it is none of ours, over, or closed."""
        if not 0 < len(cookie) <= COOKIE_LENGTH_MAX:
            return None
        opened = self._seal.open(cookie)
        if opened is None:
            return None
        content = orjson.loads(opened)
        session = Session(
            id=content["id"],
            csrf_token=content["csrf"],
            token=content["token"],
            expires_at=datetime.fromtimestamp(content["until"], UTC),
            actor=Actor(
                user=content["user"],
                name=content["name"],
                facility=content["facility"],
                roles=tuple(Role(role) for role in content["roles"]),
            ),
        )
        return session if self.is_open(session, now=now) else None

    def is_open(self, session: Session, *, now: datetime) -> bool:
        """Whether the session still stands."""
        return session.expires_at > now and session.id not in self._closed

    def close(self, session: Session) -> None:
        self._closed[session.id] = None
        while len(self._closed) > self._closed_max:
            self._closed.popitem(last=False)
