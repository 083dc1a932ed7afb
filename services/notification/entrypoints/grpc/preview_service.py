"""PreviewRecipients, of AlertService: who would be called."""

from typing import Any

from services.notification.application.preview_recipients import Preview, RecipientPreview
from services.notification.domain.duty_steps import UnstaffedStep
from services.notification.domain.preview import PlannedCall, PreviewedAlert
from services.notification.domain.reach import RecipientReach
from services.notification.domain.supposition import Supposition
from services.notification.domain.values import AcknowledgementPolicy, Pathway, Urgency
from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.protocodec import MessageCodec
from services.shared.protocodec.shapes import timestamp_to_datetime
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.notification.v1 import alert_pb2
from tierlink.notification.v1 import alert_service_pb2 as pb
from tierlink.type.v1 import type_pb2

_CALL: MessageCodec[PlannedCall, pb.PlannedCall] = MessageCodec(PlannedCall, pb.PlannedCall)
_UNSTAFFED: MessageCodec[UnstaffedStep, pb.UnstaffedStep] = MessageCodec(UnstaffedStep, pb.UnstaffedStep)
_REACH: MessageCodec[RecipientReach, pb.RecipientReach] = MessageCodec(RecipientReach, pb.RecipientReach)
_POLICY: MessageCodec[AcknowledgementPolicy, alert_pb2.AcknowledgementPolicy] = MessageCodec(
    AcknowledgementPolicy, alert_pb2.AcknowledgementPolicy
)


class PreviewServicer:
    """Changes nothing and sends nothing."""

    def __init__(self, previews: RecipientPreview) -> None:
        self._previews = previews

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="PreviewRecipients",
                request_type=pb.PreviewRecipientsRequest,
                response_type=pb.PreviewRecipientsResponse,
                handler=self.preview_recipients,
            ),
        )

    async def preview_recipients(
        self, request: pb.PreviewRecipientsRequest, call: Call
    ) -> pb.PreviewRecipientsResponse:
        """Raises NotFound for a facility or a case that the caller is not to be told of, InvalidInput."""
        actor = call.actor
        facility = request.facility or actor.facility
        if not facility:
            raise InvalidInput(
                FieldViolation(
                    field="facility", reason="REQUIRED", description="the caller has none of its own"
                )
            )
        self._previews.check_facility(facility, actor)
        supposition = Supposition(
            event=request.event,
            facility=facility,
            pathway=Pathway(pathway) if (pathway := _name(type_pb2.Pathway, request.pathway)) else None,
            urgency=Urgency(urgency) if (urgency := _name(type_pb2.Urgency, request.urgency)) else None,
            at=timestamp_to_datetime(request.at) if request.HasField("at") else DAY_CLOCK.now(),
            subject=await self._previews.subject(request.subject, facility, actor)
            if request.subject
            else None,
            details=dict(request.details),
        )
        return _response(await self._previews.preview(supposition, actor))


def _name(enum: Any, number: int) -> str:
    """Without its prefix; empty for the unspecified one."""
    prefix: str = enum.Name(0).removesuffix("UNSPECIFIED")
    name: str = enum.Name(number)
    return name.removeprefix(prefix) if number else ""


def _response(preview: Preview) -> pb.PreviewRecipientsResponse:
    return pb.PreviewRecipientsResponse(
        alerts=[previewed_resource(each, preview.open_alerts) for each in preview.alerts],
        settled_rules=preview.settled_rules,
    )


def previewed_resource(previewed: PreviewedAlert, open_alerts: dict[str, str]) -> pb.PreviewedAlert:
    alert = previewed.alert
    policy = alert.acknowledgement_policy
    return pb.PreviewedAlert(
        rule=alert.rule,
        dedup_key=alert.dedup_key,
        severity=alert_pb2.Severity.Value(f"SEVERITY_{alert.severity.value}"),
        facility=alert.facility,
        role=alert.role,
        title=type_pb2.BilingualText(zh=alert.title.zh, en=alert.title.en),
        action=alert.action,
        acknowledgement_policy=None if policy is None else _POLICY.to_message(policy),
        calls=[_CALL.to_message(each) for each in previewed.calls],
        unstaffed=[_UNSTAFFED.to_message(each) for each in previewed.unstaffed],
        assumptions=previewed.assumptions,
        open_alert=open_alerts.get(alert.dedup_key, ""),
        reaches=[_REACH.to_message(each) for each in previewed.reaches],
    )
