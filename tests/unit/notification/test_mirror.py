"""Domain values and messages have the same fields: the codec by name is built for each pair."""

import pytest
from google.protobuf.message import Message

from services.notification.domain import (
    alert,
    commands,
    contact_points,
    directory,
    roster,
    roster_commands,
    swap_values,
    values,
)
from services.shared.protocodec import MessageCodec
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.scenario import ACKNOWLEDGED, POLICY, TRIGGERED, called, given, sent
from tierlink.notification.v1 import (
    alert_pb2,
    alert_service_pb2,
    roster_pb2,
    roster_service_pb2,
)
from tierlink.referral.v1 import directory_pb2
from tierlink.type.v1 import type_pb2

#: Of the request, not of the command: they are in the context, or known to who gives it.
ENVELOPE = {"request_id", "expected_version", "occurred_at", "name"}


def test_an_alert_is_rendered_whole() -> None:
    codec: MessageCodec[alert.Alert, alert_pb2.Alert] = MessageCodec(
        alert.Alert, alert_pb2.Alert, internal=alert.INTERNAL_FIELDS
    )
    state = given(TRIGGERED, ACKNOWLEDGED).state
    message = codec.to_message(state)
    assert message.acknowledged_by.name == "李医师"
    assert message.state == alert_pb2.ALERT_STATE_ACKNOWLEDGED
    assert [step.duty for step in message.escalation] == ["duty", "backup", "fallback"]
    shown = {field.name for field in alert_pb2.Alert.DESCRIPTOR.fields} - {"allowed_commands"}
    assert shown == set(alert.Alert.__dataclass_fields__) - alert.INTERNAL_FIELDS


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (POLICY[0], alert_pb2.EscalationStep),
        (POLICY[0].recipients[0], alert_pb2.Recipient),
        (sent("dr-li"), alert_pb2.Delivery),
        (
            values.AcknowledgementPolicy(count=0, roles=("STROKE", "bed_desk")),
            alert_pb2.AcknowledgementPolicy,
        ),
        (called("dr-li")[0], alert_pb2.AlertCall),
        (values.Duty(facility="f", role="r", step="duty", user="u", name="n"), roster_pb2.Duty),
        (values.CodedReason(code="X", text="…"), type_pb2.CodedReason),
        (DIRECTORY.facilities["wucaiwan"], directory_pb2.Facility),
        (DIRECTORY.communities["jimsar-mc"], directory_pb2.Community),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_values_survive_their_messages(value: object, message: type[Message]) -> None:
    codec: MessageCodec[object, Message] = MessageCodec(type(value), message)
    assert codec.from_message(codec.to_message(value)) == value
    fields = getattr(type(value), "__dataclass_fields__")  # noqa: B009
    assert {field.name for field in message.DESCRIPTOR.fields} == set(fields)


@pytest.mark.parametrize(
    ("command", "request_type"),
    [
        (commands.AcknowledgeAlert, alert_service_pb2.AcknowledgeAlertRequest),
        (commands.ResolveAlert, alert_service_pb2.ResolveAlertRequest),
        (roster_commands.ApplyRoster, roster_service_pb2.ApplyRosterRequest),
        (swap_values.ProposeSwap, roster_service_pb2.ProposeSwapRequest),
        (swap_values.ConfirmSwap, roster_service_pb2.ConfirmSwapRequest),
        (swap_values.DeclineSwap, roster_service_pb2.DeclineSwapRequest),
        (swap_values.WithdrawSwap, roster_service_pb2.WithdrawSwapRequest),
        (contact_points.SetContactPoints, roster_service_pb2.SetContactPointsRequest),
    ],
    ids=lambda value: value.__name__,
)
def test_commands_have_the_fields_of_their_requests(command: type, request_type: type[Message]) -> None:
    MessageCodec(command, request_type)
    asked = {field.name for field in request_type.DESCRIPTOR.fields} - ENVELOPE
    assert asked == set(getattr(command, "__dataclass_fields__"))  # noqa: B009


def test_what_an_aggregate_module_gives() -> None:
    for module in (alert, roster, contact_points):
        for name in ("decide", "evolve", "deadlines", "facets", "allowed_commands", "EVENTS", "COMMANDS"):
            assert hasattr(module, name)
    assert directory.Directory().name("unheard-of").zh == "unheard-of"
