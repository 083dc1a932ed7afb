"""AnswerService: what the board asks for whoever has a link. Only a board may call it."""

from typing import Any

from services.notification.application.answer_links import AnswerDesk
from services.notification.application.copies import KnownDirectory
from services.notification.domain import texts
from services.notification.domain.answer import DECLINE_REASONS, AnswerAction
from services.notification.domain.message import Message, compose
from services.shared.kernel.actor import Role
from services.shared.kernel.refusals import NotFound, NotPermitted
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import answer_service_pb2 as pb
from tierlink.type.v1 import type_pb2

SERVICE = "tierlink.notification.v1.AnswerService"

_PREFIX = "ANSWER_ACTION_"


class AnswerServicer:
    """The RPCs of links. Without a desk, the site has no links and every one is unknown."""

    def __init__(self, desk: AnswerDesk | None, directory: KnownDirectory) -> None:
        self._desk = desk
        self._directory = directory

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="GetAnswer",
                request_type=pb.GetAnswerRequest,
                response_type=pb.GetAnswerResponse,
                handler=self.get_answer,
            ),
            UnaryMethod(
                name="RedeemAnswer",
                request_type=pb.RedeemAnswerRequest,
                response_type=pb.RedeemAnswerResponse,
                handler=self.redeem_answer,
            ),
        )

    async def get_answer(self, request: pb.GetAnswerRequest, call: Call) -> pb.GetAnswerResponse:
        """Raises NotPermitted for all but a board, NotFound."""
        answer = await self._expect_desk(call).look(request.code)
        zh, en = (
            compose(answer.alert, self._directory.current(), language=language, now=call.received_at)
            for language in ("zh", "en")
        )
        response = pb.GetAnswerResponse(
            language=answer.link.language,
            headline=_text(zh.headline, en.headline),
            about=_text(zh.about, en.about),
            countdown=_countdown(zh, en),
            actions=[pb.AnswerAction.Value(f"{_PREFIX}{action.value}") for action in answer.actions],
        )
        response.expires_at.FromDatetime(answer.link.expires_at)
        if AnswerAction.DECLINE in answer.actions:
            response.decline_reasons.extend(
                pb.DeclineReason(code=code, text=_text(text.zh, text.en))
                for code, text in DECLINE_REASONS.items()
            )
        return response

    async def redeem_answer(self, request: pb.RedeemAnswerRequest, call: Call) -> pb.RedeemAnswerResponse:
        """Raises NotPermitted for all but a board, NotFound, InvalidInput, and like AcknowledgeAlert."""
        action = AnswerAction(pb.AnswerAction.Name(request.action).removeprefix(_PREFIX))
        redeemed = await self._expect_desk(call).redeem(
            request.code, action, request.reason, call.traceparent
        )
        return pb.RedeemAnswerResponse(
            action=request.action,
            referral=redeemed.referral,
            request_id=redeemed.request_id,
            user=redeemed.link.recipient,
            user_name=redeemed.link.recipient_name,
            bearer_token=redeemed.token,
            reason=request.reason,
        )

    def _expect_desk(self, call: Call) -> AnswerDesk:
        if not call.actor.has_role(Role.BOARD):
            raise NotPermitted("BOARD_ONLY", texts.BOARD_ONLY)
        if self._desk is None:
            raise NotFound("AnswerLink", "")
        return self._desk


def _text(zh: str, en: str) -> type_pb2.BilingualText:
    return type_pb2.BilingualText(zh=zh, en=en)


def _countdown(zh: Message, en: Message) -> type_pb2.BilingualText:
    return _text(zh.countdown, en.countdown)
