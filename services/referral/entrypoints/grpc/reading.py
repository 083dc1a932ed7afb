"""What the reading RPCs of all services of this process share."""

from services.referral.application.reading import Reader
from services.shared.rpc.call import Call


def reader_of(call: Call) -> Reader:
    """Who reads."""
    return Reader(actor=call.actor, method=call.method, at=call.received_at)
