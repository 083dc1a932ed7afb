"""Remembers which referrals have ended, so that nobody holds a bed for one, or has it wait for one."""

from typing import Final

from services.bed.domain.commands import GiveUpHold
from services.bed.domain.texts import failed
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work
from services.shared.kernel.refusals import NotAllowed

_KIND: Final = "ended-referral"
#: Nothing comes after these; a withdrawn acceptance or a patient who did not come may be accepted elsewhere.
_ENDS: Final = frozenset(
    {"REFERRAL_CANCELLED", "REFERRAL_EXPIRED", "REFERRAL_CLOSED", "PATIENT_DIED", "ENTERED_IN_ERROR"}
)


def note_end(work: Work, command: GiveUpHold) -> None:
    """Written with what the end does to the bed: a referral that has none is remembered, too."""
    if command.reason.code in _ENDS:
        work.put(Document(kind=_KIND, key=command.referral, version=1, value=command.reason.code.encode()))


async def ensure_goes_on(store: EventStore, referral: str) -> None:
    """Raises NotAllowed (REFERRAL_ENDED); DependencyDown when the store is away."""
    if await store.load_document(_KIND, referral) is None:
        return
    raise NotAllowed(
        state="ENDED",
        allowed_commands=(),
        failed_rules=(failed("REFERRAL_ENDED"),),
        resource_name=referral,
    )
