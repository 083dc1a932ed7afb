"""What the site asks of records, for whoever fills them in; part of `ReferralService`."""

from typing import Any

from services.referral.domain.record_rules import RecordRules
from services.shared.protocodec import MessageCodec
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tierlink.referral.v1 import referral_service_pb2 as pb
from tierlink.referral.v1 import transfer_record_pb2

_RULES: MessageCodec[RecordRules, transfer_record_pb2.RecordRules] = MessageCodec(
    RecordRules, transfer_record_pb2.RecordRules
)


class RecordRulesServicer:
    """Shows the rules in force; they concern no patient, so every caller may see them."""

    def __init__(self, rules: RecordRules) -> None:
        self._rules = _RULES.to_message(rules)

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="GetRecordRules",
                request_type=pb.GetRecordRulesRequest,
                response_type=pb.GetRecordRulesResponse,
                handler=self.get_record_rules,
            ),
        )

    async def get_record_rules(
        self, request: pb.GetRecordRulesRequest, call: Call
    ) -> pb.GetRecordRulesResponse:
        return pb.GetRecordRulesResponse(rules=self._rules)
