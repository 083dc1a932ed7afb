"""What the reading RPCs of all services of this process share."""

from datetime import datetime
from typing import Any

from services.referral.application.reading import Reader
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.protocodec.shapes import timestamp_to_datetime
from services.shared.rpc.call import Call


def reader_of(call: Call) -> Reader:
    """Who reads."""
    return Reader(actor=call.actor, method=call.method, at=call.received_at, traceparent=call.traceparent)


def moment_in(request: Any, field: str) -> datetime | None:
    """A timestamp of a request, None when it is left out. Raises InvalidInput when it is no moment."""
    if not request.HasField(field):
        return None
    try:
        return timestamp_to_datetime(getattr(request, field))
    except OverflowError as error:
        raise InvalidInput(
            FieldViolation(field=field, reason="TIMESTAMP_RANGE", description="is not a moment of this era")
        ) from error


def value_name(enum: Any, number: int) -> str:
    """The domain's name of an enum value, such as STROKE of PATHWAY_STROKE; empty when none is given."""
    prefix = enum.DESCRIPTOR.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return "" if number == 0 else str(enum.Name(number)).removeprefix(prefix)
