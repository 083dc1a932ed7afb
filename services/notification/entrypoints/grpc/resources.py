"""Domain states as the resources of the contract."""

from services.notification.domain.alert_state import Alert, allowed_commands
from services.notification.domain.values import Duty
from services.shared.protocodec import MessageCodec
from tierlink.notification.v1 import alert_pb2, roster_pb2

_ALERT: MessageCodec[Alert, alert_pb2.Alert] = MessageCodec(
    Alert, alert_pb2.Alert, internal=frozenset({"called_facilities"})
)
_DUTY: MessageCodec[Duty, roster_pb2.Duty] = MessageCodec(Duty, roster_pb2.Duty)


def alert_resource(state: Alert) -> alert_pb2.Alert:
    """With the commands that a person may give now."""
    message = _ALERT.to_message(state)
    message.allowed_commands.extend(allowed_commands(state))
    return message


def duty_resource(duty: Duty) -> roster_pb2.Duty:
    return _DUTY.to_message(duty)
