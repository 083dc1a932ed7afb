"""Sets and reads how people are reached. The addresses lie apart from every event, encrypted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from services.notification.application.aggregates import Aggregates
from services.notification.domain import contact_points as books
from services.notification.domain import texts
from services.notification.domain.contact_points import ContactBook, SetContactPoints
from services.notification.domain.contact_values import ContactPoint
from services.notification.domain.roster import Roster, roster_name
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotFound


class ContactsUnreadable(Exception):
    """The key is not at hand, or what is stored is not what was written. Says nothing of the contents."""


class ContactPoints(Protocol):
    """How people are reached: what the channels ask. Raises DependencyDown, ContactsUnreadable."""

    async def of(self, user: str) -> tuple[ContactPoint, ...]:
        """A person's points in the order in which they are tried; none where none were set."""
        ...


class NoContactPoints:
    """A site without the keys that they are kept with. Implements `ContactPoints`."""

    async def of(self, user: str) -> tuple[ContactPoint, ...]:
        return ()


class KeptContactPoints(ContactPoints, Protocol):
    """Contact points that can be set."""

    def keep(self, work: Work, user: str, version: int, points: Sequence[ContactPoint]) -> None:
        """Keeps them in the unit of work, in place of the earlier ones."""
        ...

    def tag(self, digest: bytes) -> bytes:
        """A keyed digest of a request: a bare one of a telephone number is soon guessed."""
        ...


class ContactDesk:
    """Sets and reads. Without a store of points, which needs keys, setting is refused."""

    def __init__(self, kinds: Aggregates, runner: CommandRunner, kept: KeptContactPoints | None) -> None:
        self._kinds = kinds
        self._runner = runner
        self._kept = kept

    async def set(
        self, command: SetContactPoints, context: CommandContext, digest: bytes
    ) -> Reply[ContactBook]:
        """The book at its new version; the same request again gives the first reply.

        Raises NotAllowed without keys, and like `decide` and `CommandRunner.run`.
        """
        kept = self._expect_kept()
        user = books.book_user(command, context.actor)
        return await self._runner.run(
            self._change(kept, command, user),
            context,
            kind=self._kinds.contacts,
            target=books.book_name(user),
            digest=kept.tag(digest),
        )

    async def read(
        self, user: str, actor: Actor, at: datetime
    ) -> tuple[ContactBook | None, tuple[ContactPoint, ...]]:
        """The book with the points, their secrets left out; nothing when none were ever set.

        Raises NotAllowed without keys, NotFound for whoever may not know, DependencyDown,
        ContactsUnreadable.
        """
        kept = self._expect_kept()
        book = (await self._runner.read(self._kinds.contacts, books.book_name(user))).state
        roster = (await self._runner.read(self._kinds.roster, roster_name(actor.facility))).state
        if not books.may_read(book, user, actor, roster=roster, at=at):
            raise NotFound("ContactPoints", books.book_name(user))
        points = await kept.of(user) if book else ()
        return book, points

    def _change(self, kept: KeptContactPoints, command: SetContactPoints, user: str) -> UseCase[ContactBook]:
        name = books.book_name(user)

        async def use_case(work: Work) -> Reply[ContactBook]:
            state = await work.load_target(self._kinds.contacts, name)
            own: Roster | None = await work.load(self._kinds.roster, roster_name(work.context.actor.facility))
            events = books.decide(state, command, work.context, roster=own)
            after = await work.record(self._kinds.contacts, name, events)
            earlier = await kept.of(user) if state else ()
            kept.keep(work, user, after.version, _with_secrets(command.points, earlier))
            return work.reply(self._kinds.contacts, name)

        return use_case

    def _expect_kept(self) -> KeptContactPoints:
        if self._kept is None:
            rule = FailedRule(code="CONTACT_KEYS_MISSING", text=texts.CONTACT_KEYS_MISSING)
            raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,))
        return self._kept


def _with_secrets(
    points: tuple[ContactPoint, ...], earlier: tuple[ContactPoint, ...]
) -> tuple[ContactPoint, ...]:
    """A point that comes back without its secret keeps the one it had: secrets are never shown."""
    known = {(point.kind, point.address): point.secret for point in earlier}
    return tuple(
        point if point.secret else replace(point, secret=known.get((point.kind, point.address), ""))
        for point in points
    )
