"""Links that let a person answer an alert from the telephone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from services.notification.application.aggregates import Aggregates
from services.notification.application.change_alert import change_alert
from services.notification.application.delivery_table import DueDelivery
from services.notification.domain.alert_state import Alert
from services.notification.domain.answer import (
    DECLINE_REASONS,
    AnswerAction,
    AnswerLink,
    actions_left,
    code_of,
    is_code_of,
    nonce_of,
    offered_actions,
)
from services.notification.domain.commands import AcknowledgeAlert
from services.notification.domain.directory import Directory
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What goes into a message; empty where the site has no links."""

    url: str = ""
    #: the last part of the address
    code: str = ""


class Links(Protocol):
    """Makes the link of a message. Raises DependencyDown."""

    async def link_for(self, due: DueDelivery, alert: Alert, *, language: str) -> Link:
        """The same link however often the message is sent again."""
        ...


class NoLinks:
    """A site without links. Implements `Links`."""

    async def link_for(self, due: DueDelivery, alert: Alert, *, language: str) -> Link:
        return Link()


class AnswerTable(Protocol):
    """Raises DependencyDown wherever the database is away."""

    def draw_nonce(self) -> bytes:
        """Random bytes that nobody can guess."""
        ...

    async def keep(self, link: AnswerLink) -> AnswerLink:
        """The link of the delivery: this one, or the one that it has already."""
        ...

    async def find(self, nonce: bytes) -> AnswerLink | None: ...

    async def use(self, nonce: bytes, action: AnswerAction, reason: str, at: datetime) -> bool:
        """Whether this was the use of it."""
        ...


class Minting(Protocol):
    """Makes a token that a person bears for a minute."""

    def token_for(self, actor: Actor, now: datetime) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerPolicy:
    """How the site's links are made."""

    #: address that the code is added to
    url: str
    key: bytes = field(repr=False)
    lifetime: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAnswer:
    """A link that is in force, with the alert that it is of."""

    link: AnswerLink
    alert: Alert
    actions: tuple[AnswerAction, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Redeemed:
    """What a link came to; without a referral everything is done."""

    link: AnswerLink
    action: AnswerAction
    request_id: str
    referral: str = ""
    token: str = field(default="", repr=False)


class AnswerDesk:
    """Makes links, shows what they ask, and acts by them. Implements `Links`.

    A code that is wrong, over, used, another's or of an alert that is settled is NotFound, all alike.
    """

    def __init__(
        self,
        *,
        runner: CommandRunner,
        kinds: Aggregates,
        table: AnswerTable,
        policy: AnswerPolicy,
        minting: Minting | None,
        now: Callable[[], datetime],
    ) -> None:
        """Without `minting` a link acknowledges, and nothing else."""
        self._runner = runner
        self._kinds = kinds
        self._table = table
        self._policy = policy
        self._minting = minting
        self._now = now

    async def link_for(self, due: DueDelivery, alert: Alert, *, language: str) -> Link:
        link = await self._table.keep(
            AnswerLink(
                nonce=self._table.draw_nonce(),
                delivery=due.id,
                alert=alert.name,
                recipient=due.recipient,
                recipient_name=due.recipient_name,
                facility=due.facility,
                actions=offered_actions(
                    alert, recipients_facility=due.facility, may_decide=self._minting is not None
                ),
                language=language,
                expires_at=(self._now() + self._policy.lifetime).replace(microsecond=0),
            )
        )
        code = code_of(link, self._policy.key)
        return Link(url=f"{self._policy.url.rstrip('/')}/{code}", code=code)

    async def look(self, code: str) -> OpenAnswer:
        """What a link asks. Changes nothing. Raises NotFound."""
        link = await self._find(code)
        if link is None or not link.is_open(self._now()):
            raise _not_found()
        return await self._open(link)

    async def redeem(self, code: str, action: AnswerAction, reason: str, traceparent: str) -> Redeemed:
        """Acts by a link, once; the same again, soon, is the same answer.

        Raises NotFound, InvalidInput for a reason that is missing or none, and like AcknowledgeAlert.
        """
        now = self._now()
        link = await self._find(code)
        if link is None:
            raise _not_found()
        if not link.is_same_answer(action, reason, now):
            if not link.is_open(now) or action not in (await self._open(link)).actions:
                raise _not_found()
            _check_reason(action, reason)
            if not await self._table.use(link.nonce, action, reason, now):
                # Another tap was faster: the same answer is the same, any other comes too late.
                link = await self._table.find(link.nonce) or link
                if not link.is_same_answer(action, reason, now):
                    raise _not_found()
        return await self._act(link, action, now, traceparent)

    async def _act(self, link: AnswerLink, action: AnswerAction, now: datetime, traceparent: str) -> Redeemed:
        actor = Actor(
            user=link.recipient,
            name=link.recipient_name,
            facility=link.facility,
            roles=(Role.CLINICIAN,),
        )
        request_id = link.request_id(action)
        if action is AnswerAction.ACKNOWLEDGE:
            await self._runner.run(
                change_alert(self._kinds, AcknowledgeAlert(), link.alert, Directory()),
                CommandContext(
                    request_id=request_id,
                    actor=actor,
                    occurred_at=now,
                    recorded_at=now,
                    traceparent=traceparent,
                ),
                kind=self._kinds.alert,
                target=link.alert,
                digest=sha256(f"answer\x1f{request_id}".encode()).digest(),
            )
            return Redeemed(link=link, action=action, request_id=request_id)
        alert = (await self._runner.read(self._kinds.alert, link.alert)).state
        if alert is None or self._minting is None:
            raise _not_found()
        return Redeemed(
            link=link,
            action=action,
            request_id=request_id,
            referral=alert.subject,
            token=self._minting.token_for(actor, now),
        )

    async def _find(self, code: str) -> AnswerLink | None:
        """The link whose code it is, used or not."""
        nonce = nonce_of(code)
        link = None if nonce is None else await self._table.find(nonce)
        return link if link is not None and is_code_of(code, link, self._policy.key) else None

    async def _open(self, link: AnswerLink) -> OpenAnswer:
        alert = (await self._runner.read(self._kinds.alert, link.alert)).state
        actions = () if alert is None else actions_left(alert, link)
        if alert is None or not actions:
            raise _not_found()
        return OpenAnswer(link=link, alert=alert, actions=actions)


def _not_found() -> NotFound:
    return NotFound("AnswerLink", "")


def _check_reason(action: AnswerAction, reason: str) -> None:
    if action is AnswerAction.DECLINE and reason not in DECLINE_REASONS:
        description = f"is none of {', '.join(DECLINE_REASONS)}"
        raise InvalidInput(FieldViolation(field="reason", reason="NOT_A_REASON", description=description))
    if action is not AnswerAction.DECLINE and reason:
        raise InvalidInput(
            FieldViolation(field="reason", reason="NOT_NEEDED", description="is for declining alone")
        )
