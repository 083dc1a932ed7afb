"""Domain states as the resources of the contract."""

from datetime import datetime

from services.referral.domain import consultation as consultations
from services.referral.domain import episode as episodes
from services.referral.domain import referral as referrals
from services.referral.domain import standing as orders
from services.referral.domain.clocks import Clock, clocks, with_departure
from services.referral.domain.clocks_targets import ClockTargets
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.directory_entries import Alliance, GreenChannel, PoolingArea, RecognitionArea
from services.referral.domain.directory_state import Community, Facility
from services.referral.domain.episode_state import Episode
from services.referral.domain.explaining import DestinationExplanation
from services.referral.domain.recognition import ResultRecognition
from services.referral.domain.referral_state import INTERNAL_FIELDS, Referral
from services.referral.domain.share_readings import ShareReading, share_readings
from services.referral.domain.standing_state import StandingOrder
from services.referral.domain.standing_values import Visit
from services.shared.protocodec import MessageCodec
from tierlink.referral.v1 import (
    consultation_pb2,
    directory_pb2,
    episode_pb2,
    examination_result_pb2,
    referral_pb2,
    referral_service_pb2,
    standing_pb2,
    standing_service_pb2,
)
from tierlink.type.v1 import type_pb2

_REFERRAL: MessageCodec[Referral, referral_pb2.Referral] = MessageCodec(
    Referral, referral_pb2.Referral, internal=INTERNAL_FIELDS
)
_EPISODE: MessageCodec[Episode, episode_pb2.Episode] = MessageCodec(
    # Moves only serve the clocks.
    Episode,
    episode_pb2.Episode,
    internal=frozenset({"moves"}),
)
_CONSULTATION: MessageCodec[Consultation, consultation_pb2.Consultation] = MessageCodec(
    Consultation, consultation_pb2.Consultation
)
_STANDING: MessageCodec[StandingOrder, standing_pb2.StandingOrder] = MessageCodec(
    StandingOrder, standing_pb2.StandingOrder, internal=orders.INTERNAL_FIELDS
)
_VISIT: MessageCodec[Visit, standing_pb2.Visit] = MessageCodec(Visit, standing_pb2.Visit)
_SHARE: MessageCodec[ShareReading, episode_pb2.ShareReading] = MessageCodec(
    ShareReading, episode_pb2.ShareReading
)
_CLOCK: MessageCodec[Clock, episode_pb2.Clock] = MessageCodec(Clock, episode_pb2.Clock)
FACILITY: MessageCodec[Facility, directory_pb2.Facility] = MessageCodec(Facility, directory_pb2.Facility)
COMMUNITY: MessageCodec[Community, directory_pb2.Community] = MessageCodec(Community, directory_pb2.Community)
ALLIANCE: MessageCodec[Alliance, directory_pb2.Alliance] = MessageCodec(Alliance, directory_pb2.Alliance)
POOLING_AREA: MessageCodec[PoolingArea, directory_pb2.PoolingArea] = MessageCodec(
    PoolingArea, directory_pb2.PoolingArea
)
RECOGNITION_AREA: MessageCodec[RecognitionArea, directory_pb2.RecognitionArea] = MessageCodec(
    RecognitionArea, directory_pb2.RecognitionArea
)
GREEN_CHANNEL: MessageCodec[GreenChannel, directory_pb2.GreenChannel] = MessageCodec(
    GreenChannel, directory_pb2.GreenChannel
)


def referral_resource(state: Referral) -> referral_pb2.Referral:
    """With the commands that the table allows now."""
    message = _REFERRAL.to_message(state)
    message.allowed_commands.extend(referrals.allowed_commands(state))
    return message


def standing_resource(state: StandingOrder) -> standing_pb2.StandingOrder:
    """With the commands that the table allows now."""
    message = _STANDING.to_message(state)
    message.allowed_commands.extend(orders.allowed_commands(state))
    return message


def listed_visit(order: StandingOrder, visit: Visit) -> standing_service_pb2.ListedVisit:
    message = standing_service_pb2.ListedVisit(
        standing_order=order.name,
        referral=order.referral,
        patient=order.patient,
        facility=order.facility,
        origin_facility=order.origin_facility,
        pathway=type_pb2.Pathway.Value(f"PATHWAY_{order.pathway.value}"),
        missed_in_a_row=order.missed_in_a_row,
    )
    _VISIT.write(visit, message.visit)
    return message


def consultation_resource(state: Consultation) -> consultation_pb2.Consultation:
    """With the commands that the table allows now."""
    message = _CONSULTATION.to_message(state)
    message.allowed_commands.extend(consultations.allowed_commands(state))
    return message


def episode_resource(
    state: Episode, targets: ClockTargets, now: datetime | None, travel_s: int | None = None
) -> episode_pb2.Episode:
    """With its clocks and shares, and the commands allowed now.

    Without `now` a clock that runs is not judged, and no moment to leave is told.
    """
    message = _EPISODE.to_message(state)
    message.allowed_commands.extend(episodes.allowed_commands(state))
    found = clocks(state, targets.clocks, now)
    if now is not None:
        found = with_departure(state, found, targets.clocks, travel_s)
    for clock in found:
        _CLOCK.write(clock, message.clocks.add())
    for share in share_readings(state, targets.shares):
        _SHARE.write(share, message.share_readings.add())
    return message


RECOGNITION: MessageCodec[ResultRecognition, examination_result_pb2.ResultRecognition] = MessageCodec(
    ResultRecognition, examination_result_pb2.ResultRecognition
)

_EXPLANATION: MessageCodec[DestinationExplanation, referral_service_pb2.DestinationExplanation] = (
    MessageCodec(DestinationExplanation, referral_service_pb2.DestinationExplanation)
)


def explanation_resource(found: DestinationExplanation) -> referral_service_pb2.DestinationExplanation:
    return _EXPLANATION.to_message(found)
