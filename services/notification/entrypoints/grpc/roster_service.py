"""RosterService: rosters, and who is on duty by them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.notification.application.apply_roster import RosterDesk
from services.notification.application.read_roster import PERIOD_MAX, Coverage, RosterReading
from services.notification.domain.roster_changes import RosterDifference
from services.notification.domain.roster_commands import ApplyRoster
from services.notification.domain.roster_slots import slot_order
from services.notification.domain.roster_texts import role_text, step_text
from services.notification.domain.roster_values import (
    SLOT_INTERNAL_FIELDS,
    CoverageGap,
    DutySlot,
    SinglePoint,
)
from services.notification.domain.texts import PATHWAYS
from services.notification.domain.values import Pathway
from services.notification.entrypoints.grpc.resources import duty_resource
from services.shared.commands.command_method import command_context, request_digest
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.kernel.text import BilingualText
from services.shared.protocodec import MessageCodec
from services.shared.protocodec.shapes import datetime_to_timestamp, timestamp_to_datetime
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from services.shared.rpc.paging import list_digest, page_size, page_token, position_text
from tierlink.notification.v1 import roster_plan_pb2
from tierlink.notification.v1 import roster_service_pb2 as pb
from tierlink.type.v1 import type_pb2

SERVICE = "tierlink.notification.v1.RosterService"

_COVERAGE_DAYS = 7
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_APPLY: MessageCodec[ApplyRoster, pb.ApplyRosterRequest] = MessageCodec(ApplyRoster, pb.ApplyRosterRequest)
_SLOT: MessageCodec[DutySlot, roster_plan_pb2.DutySlot] = MessageCodec(
    DutySlot, roster_plan_pb2.DutySlot, internal=SLOT_INTERNAL_FIELDS
)
_GAP: MessageCodec[CoverageGap, roster_plan_pb2.CoverageGap] = MessageCodec(
    CoverageGap, roster_plan_pb2.CoverageGap
)
_POINT: MessageCodec[SinglePoint, roster_plan_pb2.SinglePoint] = MessageCodec(
    SinglePoint, roster_plan_pb2.SinglePoint
)
_DIFFERENCE: MessageCodec[RosterDifference, roster_plan_pb2.RosterDifference] = MessageCodec(
    RosterDifference, roster_plan_pb2.RosterDifference
)


class RosterServicer:
    """The RPCs of rosters."""

    def __init__(self, desk: RosterDesk, reading: RosterReading) -> None:
        self._desk = desk
        self._reading = reading

    def methods(self) -> tuple[UnaryMethod[Any, Any], ...]:
        return (
            UnaryMethod(
                name="ApplyRoster",
                request_type=pb.ApplyRosterRequest,
                response_type=pb.ApplyRosterResponse,
                handler=self.apply_roster,
            ),
            UnaryMethod(
                name="ListDuties",
                request_type=pb.ListDutiesRequest,
                response_type=pb.ListDutiesResponse,
                handler=self.list_duties,
            ),
            UnaryMethod(
                name="GetCoverage",
                request_type=pb.GetCoverageRequest,
                response_type=pb.GetCoverageResponse,
                handler=self.get_coverage,
            ),
        )

    async def apply_roster(self, request: pb.ApplyRosterRequest, call: Call) -> pb.ApplyRosterResponse:
        version, change = await self._desk.apply(
            _APPLY.from_message(request), command_context(request, call), request_digest(request, call)
        )
        return pb.ApplyRosterResponse(
            version=version,
            added=change.added,
            removed=change.removed,
            differences=[_DIFFERENCE.to_message(each) for each in change.differences],
        )

    async def list_duties(self, request: pb.ListDutiesRequest, call: Call) -> pb.ListDutiesResponse:
        """Raises NotPermitted for another facility's: a roster names people."""
        period = _period(request)
        if period is None:
            state, version = await self._reading.roster(request.facility, call.actor)
            duties = () if state is None else state.duties
            return pb.ListDutiesResponse(duties=[duty_resource(duty) for duty in duties], version=version)
        slots, version = await self._reading.slots(request.facility, call.actor, *period)
        bound_to = list_digest(request)
        after = position_text(request.page_token, bound_to=bound_to)
        left = [slot for slot in slots if after is None or _position(slot) > after]
        size = page_size(request.page_size)
        last = _position(left[size - 1]) if len(left) > size else None
        return pb.ListDutiesResponse(
            slots=[slot_resource(slot) for slot in left[:size]],
            version=version,
            next_page_token=page_token(last, bound_to=bound_to),
        )

    async def get_coverage(self, request: pb.GetCoverageRequest, call: Call) -> pb.GetCoverageResponse:
        first = requested_moment(request, "from") or call.received_at
        last = first + timedelta(days=request.days or _COVERAGE_DAYS)
        pathway = type_pb2.Pathway.Name(request.pathway).removeprefix("PATHWAY_") if request.pathway else ""
        found = await self._reading.coverage(
            request.facility or call.actor.facility,
            call.actor,
            first,
            last,
            role=request.role,
            pathway=Pathway(pathway) if pathway else None,
        )
        response = pb.GetCoverageResponse(
            on_duty=[slot_resource(slot) for slot in found.on_duty],
            gaps=[_GAP.to_message(gap) for gap in found.gaps],
            single_points=[_POINT.to_message(point) for point in found.single_points],
            version=found.version,
            utc_offset_minutes=found.offset_minutes,
        )
        _name(response, found)
        datetime_to_timestamp(first, getattr(response, "from"))
        datetime_to_timestamp(last, response.until)
        return response


def _name(response: pb.GetCoverageResponse, found: Coverage) -> None:
    """Adds what roles, steps and pathways are called, so that no reader needs the site's words of its own."""
    posts = [*(slot.post for slot in found.on_duty), *(gap.post for gap in found.gaps)]
    roles = {post.role for post in posts} | {role for point in found.single_points for role in point.roles}
    for role in roles:
        response.role_names[role].CopyFrom(_bilingual(role_text(role)))
    for step in {post.step for post in posts}:
        response.step_names[step].CopyFrom(_bilingual(step_text(step)))
    for pathway in {post.pathway for post in posts if post.pathway}:
        response.pathway_names[pathway.value].CopyFrom(_bilingual(PATHWAYS[pathway]))


def _bilingual(text: BilingualText) -> type_pb2.BilingualText:
    return type_pb2.BilingualText(zh=text.zh, en=text.en)


def _position(slot: DutySlot) -> str:
    """Sorts as the slots do: moments in UTC of one length, then the post."""
    starts_at, role, pathway, step, seat = slot_order(slot)
    return "\x1f".join((starts_at.strftime("%Y%m%d%H%M%S%f"), role, pathway, step, f"{seat:04d}"))


def _period(request: pb.ListDutiesRequest) -> tuple[datetime, datetime | None] | None:
    """The moment or period that is asked for. Raises InvalidInput for both, half of one, or too long."""
    at, first, last = (
        requested_moment(request, "at"),
        requested_moment(request, "from"),
        requested_moment(request, "until"),
    )
    if at is not None and (first or last):
        raise _bad("at", "EITHER_OR", "is given together with a period")
    if at is not None:
        return at, None
    if first is None and last is None:
        return None
    if first is None or last is None or last <= first:
        raise _bad("until", "NO_PERIOD", "a period needs a beginning and a later end")
    if last - first > PERIOD_MAX:
        raise _bad("until", "TOO_LONG", f"is more than {PERIOD_MAX.days} days after the beginning")
    return first, last


def slot_resource(slot: DutySlot) -> roster_plan_pb2.DutySlot:
    return _SLOT.to_message(slot)


def requested_moment(request: Any, field: str) -> datetime | None:
    """A moment of the request, None when it is left out. Raises InvalidInput for one of no roster."""
    if not request.HasField(field):
        return None
    try:
        moment = timestamp_to_datetime(getattr(request, field))
    except OverflowError as error:
        raise _bad(field, "TIMESTAMP_RANGE", "is not a moment of this era") from error
    if not _EARLIEST <= moment <= _LATEST:
        # Days before and after it are looked at: they must exist too.
        raise _bad(field, "TIMESTAMP_RANGE", "is not a moment of any roster")
    return moment


def _bad(field: str, reason: str, description: str) -> InvalidInput:
    return InvalidInput(FieldViolation(field=field, reason=reason, description=description))
