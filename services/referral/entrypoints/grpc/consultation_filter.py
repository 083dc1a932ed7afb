"""What a list of consultations is asked for, as the caller sees it."""

from services.referral.application.listing import ListFilter
from services.referral.entrypoints.grpc.reading import value_name
from services.shared.kernel.actor import Actor
from tierlink.referral.v1 import consultation_pb2
from tierlink.referral.v1 import consultation_service_pb2 as pb
from tierlink.type.v1 import type_pb2

#: Queues that name a facility's turn: found among what waits for it.
_TURNS = frozenset(
    {
        pb.CONSULTATION_QUEUE_WAITING_FOR_MY_CENTRE,
        pb.CONSULTATION_QUEUE_CLAIMED_BY_ME,
        pb.CONSULTATION_QUEUE_RETURNED_TO_MY_FACILITY,
        pb.CONSULTATION_QUEUE_CRITICAL_VALUE_FOR_MY_FACILITY,
    }
)


def consultation_filter(request: pb.ListConsultationsRequest, actor: Actor) -> ListFilter:
    """What the request asks for."""
    contains: dict[str, object] = dict(_queue(request.queue, actor))
    if request.HasField("overdue"):
        contains["overdue"] = request.overdue
    kind = value_name(consultation_pb2.ConsultationKind, request.kind)
    if kind:
        contains["kind"] = kind
    return ListFilter(
        states=tuple(value_name(consultation_pb2.ConsultationState, state) for state in request.states),
        urgency=value_name(type_pb2.Urgency, request.urgency),
        patient=request.patient,
        episode=request.episode,
        waiting=request.queue in _TURNS,
        contains=contains,
    )


def _queue(queue: int, actor: Actor) -> dict[str, object]:
    facility, user = actor.facility, actor.user
    match queue:
        case pb.CONSULTATION_QUEUE_WAITING_FOR_MY_CENTRE:
            return {"centre": facility, "state": "REQUESTED"}
        case pb.CONSULTATION_QUEUE_CLAIMED_BY_ME:
            return {"centre": facility, "state": "CLAIMED", "claimed_by": user}
        case pb.CONSULTATION_QUEUE_ASKED_BY_ME:
            return {"requesting": facility, "requested_by": user}
        case pb.CONSULTATION_QUEUE_ASKED_BY_MY_FACILITY:
            return {"requesting": facility}
        case pb.CONSULTATION_QUEUE_RETURNED_TO_MY_FACILITY:
            return {"requesting": facility, "state": "RETURNED"}
        case pb.CONSULTATION_QUEUE_CRITICAL_VALUE_FOR_MY_FACILITY:
            return {"requesting": facility, "unacknowledged": True}
    return {}
