"""Decisions on the way: transport, departure, diversion, arrival."""

from datetime import datetime

from services.referral.domain.carriers import carrier_to_tell
from services.referral.domain.commands import (
    AcceptReferral,
    ArrangeTransport,
    DepartPatient,
    DivertPatient,
    ReportArrival,
    ReportNoShow,
    UpdateArrivalEstimate,
)
from services.referral.domain.decide_review import review_need
from services.referral.domain.decide_steps import arrival_due, bed_answer_due, departure_due, within
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    Event,
    PatientArrived,
    PatientDeparted,
    PatientDiverted,
    PatientNoShow,
    TransportArranged,
)
from services.referral.domain.guard_conditions import transport_of
from services.referral.domain.offering import asking, hold_until, offer_to
from services.referral.domain.offers_found import the_accepted
from services.referral.domain.referral_values import OfferState
from services.shared.kernel.refusals import FieldViolation


def arrival_faults(
    decision: Decision[
        AcceptReferral | ArrangeTransport | DepartPatient | DivertPatient | UpdateArrivalEstimate
    ],
) -> list[FieldViolation]:
    """Nobody is expected before the moment that it is said."""
    expected = decision.command.estimated_arrival_time
    if expected is None or expected >= decision.context.occurred_at:
        return []
    description = "the expected arrival is before the clinical time of the command"
    return [FieldViolation(field="estimated_arrival_time", reason="IN_THE_PAST", description=description)]


def transport_faults(decision: Decision[ArrangeTransport | DepartPatient]) -> list[FieldViolation]:
    """Who is named to carry may act from then on, and so must be somebody."""
    faults = arrival_faults(decision)
    transport = decision.command.transport
    carrier = "" if transport is None else transport.ambulance_facility
    if carrier and decision.directory.facility(carrier) is None:
        description = f"facility {carrier} is not in the directory"
        faults.append(
            FieldViolation(
                field="transport.ambulance_facility", reason="UNKNOWN_FACILITY", description=description
            )
        )
    return faults


def divert_faults(decision: Decision[DivertPatient]) -> list[FieldViolation]:
    faults = arrival_faults(decision)
    destination = decision.command.destination_facility
    if decision.directory.facility(destination) is None:
        description = f"facility {destination} is not in the directory"
        fault = FieldViolation(
            field="destination_facility", reason="UNKNOWN_FACILITY", description=description
        )
        faults.append(fault)
    return faults


def _arrival(decision: Decision[ArrangeTransport | DepartPatient]) -> datetime | None:
    """What the command says, else what was said before."""
    return decision.command.estimated_arrival_time or decision.state.estimated_arrival_time


def arrange_transport(decision: Decision[ArrangeTransport]) -> tuple[Event, ...]:
    offer = the_accepted(decision.state)
    arrival = _arrival(decision)
    return (
        TransportArranged(
            transport=decision.command.transport,
            emergency_room_bypass=decision.state.emergency_room_bypass,
            estimated_arrival_time=arrival,
            hold_until=hold_until(decision, arrival, offer.travel_minutes),
            departure_due_at=departure_due(
                decision,
                arrival=arrival,
                travel_minutes=offer.travel_minutes,
                planned=decision.command.transport.departure_planned_at,
            ),
        ),
    )


def depart(decision: Decision[DepartPatient]) -> tuple[Event, ...]:
    """Without a word on the arrival, the way counts from receipt."""
    state, command, offer = decision.state, decision.command, the_accepted(decision.state)
    transport = transport_of(decision)
    if transport is None:
        raise ValueError("departure without transport: the table asks for one")
    travel = decision.policy.travel(offer.travel_minutes)
    arrival = _arrival(decision) or decision.context.recorded_at + travel
    return (
        PatientDeparted(
            origin_facility=state.origin_facility,
            destination_facility=offer.facility,
            handover_document=command.handover_document,
            transport=transport,
            emergency_room_bypass=state.emergency_room_bypass,
            estimated_arrival_time=arrival,
            insurance_filing_number=command.insurance_filing_number or state.insurance_filing_number,
            hold_until=hold_until(decision, arrival, offer.travel_minutes),
            arrival_due_at=arrival_due(decision, arrival),
        ),
    )


def divert(decision: Decision[DivertPatient]) -> tuple[Event, ...]:
    """The patient is on the road: the new destination's offer is accepted by decree."""
    state, command = decision.state, decision.command
    destination = decision.directory.facilities[command.destination_facility]
    offer = offer_to(asking(decision), destination, OfferState.ACCEPTED, 0)
    need = review_need(decision, offer)
    travel = decision.policy.travel(offer.travel_minutes)
    arrival = command.estimated_arrival_time or decision.context.recorded_at + travel
    summary = state.clinical_summary
    return (
        PatientDiverted(
            from_facility=the_accepted(state).facility,
            destination_facility=destination.id,
            reason=command.reason,
            estimated_arrival_time=arrival,
            offer=offer,
            bed_type=state.bed_type,
            hold_until=hold_until(decision, arrival, offer.travel_minutes),
            direction=offer.direction,
            scope=offer.scope,
            review_due_at=need.due_at,
            review_facility=need.facility,
            arrival_due_at=arrival_due(decision, arrival),
            bed_answer_due_at=bed_answer_due(decision),
            sex=summary.sex,
            age_years=summary.age_years,
            isolation_needed=summary.isolation_needed,
            carrier_facility=carrier_to_tell(decision),
        ),
    )


def arrive(decision: Decision[ReportArrival]) -> tuple[Event, ...]:
    return (
        PatientArrived(
            facility=the_accepted(decision.state).facility,
            treatment_start_due_at=within(decision, decision.terms.treatment_start_s),
        ),
    )


def no_show(decision: Decision[ReportNoShow]) -> tuple[Event, ...]:
    return (
        PatientNoShow(
            facility=the_accepted(decision.state).facility,
            follow_up_due_at=within(decision, decision.terms.no_show_s),
        ),
    )
