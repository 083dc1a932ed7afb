"""Domain states as the resources of the contract."""

from services.notification.application.delivery_table import ShownDelivery
from services.notification.application.presence import Presence
from services.notification.domain.alert_state import Alert, allowed_commands
from services.notification.domain.board import Board
from services.notification.domain.board_policy import BoardPolicy
from services.notification.domain.drill import Drill, DrillSummary
from services.notification.domain.values import Duty
from services.shared.protocodec import MessageCodec
from tierlink.notification.v1 import alert_pb2, board_pb2, delivery_pb2, drill_pb2, roster_pb2

_ALERT: MessageCodec[Alert, alert_pb2.Alert] = MessageCodec(
    Alert, alert_pb2.Alert, internal=frozenset({"called_facilities"})
)
_DELIVERY: MessageCodec[ShownDelivery, delivery_pb2.ChannelDelivery] = MessageCodec(
    ShownDelivery, delivery_pb2.ChannelDelivery
)
_DUTY: MessageCodec[Duty, roster_pb2.Duty] = MessageCodec(Duty, roster_pb2.Duty)
_BOARD: MessageCodec[Board, board_pb2.Board] = MessageCodec(Board, board_pb2.Board)
_DRILL: MessageCodec[Drill, drill_pb2.Drill] = MessageCodec(
    Drill, drill_pb2.Drill, internal=frozenset({"closed"})
)
_SUMMARY: MessageCodec[DrillSummary, drill_pb2.DrillSummary] = MessageCodec(
    DrillSummary, drill_pb2.DrillSummary
)


def alert_resource(state: Alert) -> alert_pb2.Alert:
    """With the commands that a person may give now."""
    message = _ALERT.to_message(state)
    message.allowed_commands.extend(allowed_commands(state))
    return message


def duty_resource(duty: Duty) -> roster_pb2.Duty:
    return _DUTY.to_message(duty)


def board_resource(state: Board, seen: Presence | None, policy: BoardPolicy) -> board_pb2.Board:
    """With what its signs of life say now."""
    message = _BOARD.to_message(state)
    if seen is not None and seen.seen_at is not None:
        message.last_seen_at.FromDatetime(seen.seen_at)
        message.live = seen.silent_s <= policy.live_s
    return message


def drill_resource(state: Drill) -> drill_pb2.Drill:
    return _DRILL.to_message(state)


def drill_summary_resource(summary: DrillSummary) -> drill_pb2.DrillSummary:
    return _SUMMARY.to_message(summary)


def delivery_resource(delivery: ShownDelivery) -> delivery_pb2.ChannelDelivery:
    return _DELIVERY.to_message(delivery)
