"""Answers by link, by gRPC. Implements `OneTap`.

The board has no power of its own: its credential opens links, and what a link then allows is done with a
token that the notification service made for the person whom it was sent to.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from services.board.adapters.calling import answer_of, call_options
from services.board.application.platform import Resource
from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.channels import Channels
from services.shared.rpc.signing import SigningKey, sign_token
from tierlink.notification.v1 import answer_service_pb2 as pb
from tierlink.notification.v1 import answer_service_pb2_grpc
from tierlink.referral.v1 import referral_service_pb2, referral_service_pb2_grpc

_BOARD = Actor(user="system:board", name="Tierlink board", facility="", roles=(Role.BOARD,))
#: A credential is made for each call.
_CREDENTIAL_S = 60
_PREFIX = "ANSWER_ACTION_"


class GrpcOneTap:
    """The board's credential for the notification service, a person's for the referral service."""

    def __init__(
        self,
        channels: Channels,
        key: SigningKey,
        *,
        audience: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._answers: Any = answer_service_pb2_grpc.AnswerServiceStub(channels.of("notification"))
        self._referrals: Any = referral_service_pb2_grpc.ReferralServiceStub(channels.of("referral"))
        self._key = key
        self._audience = audience
        self._now = now

    async def look(self, code: str) -> Resource:
        found = await answer_of(self._answers.GetAnswer(pb.GetAnswerRequest(code=code), **self._own()))
        content: dict[str, Any] = MessageToDict(found, preserving_proto_field_name=True)
        content["actions"] = [action.removeprefix(_PREFIX) for action in content.get("actions", ())]
        return content

    async def answer(self, code: str, action: str, reason: str) -> None:
        request = pb.RedeemAnswerRequest(
            code=code, action=pb.AnswerAction.Value(f"{_PREFIX}{action}"), reason=reason
        )
        redeemed = await answer_of(self._answers.RedeemAnswer(request, **self._own()))
        if redeemed.referral:
            await answer_of(self._command(redeemed))

    def _command(self, redeemed: Any) -> Any:
        """What the link allowed, given as its recipient. The same request id again is the same command."""
        options = call_options(redeemed.bearer_token)
        if redeemed.action == pb.ANSWER_ACTION_ACCEPT:
            accept = referral_service_pb2.AcceptReferralRequest(
                request_id=redeemed.request_id,
                name=redeemed.referral,
                accepting_clinician={"user": redeemed.user, "name": redeemed.user_name},  # type: ignore[arg-type]
            )
            return self._referrals.AcceptReferral(accept, **options)
        decline = referral_service_pb2.DeclineReferralRequest(
            request_id=redeemed.request_id,
            name=redeemed.referral,
            reason={"code": redeemed.reason},  # type: ignore[arg-type]
        )
        return self._referrals.DeclineReferral(decline, **options)

    def _own(self) -> dict[str, Any]:
        token = sign_token(
            self._key,
            _BOARD,
            issued_at=self._now(),
            lifetime_s=_CREDENTIAL_S,
            audience=self._audience,
        )
        return call_options(token)
