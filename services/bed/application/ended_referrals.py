"""Remembers which referrals have ended, so that nobody holds a bed for one, or has it wait for one.

Who is about to hold a bed may have looked before the end came, and write after it. So the end also takes, for
good, the claim that every held bed and every place on a list needs: of the two, the later one fails in the
database and is decided again.
"""

from typing import Final

from services.bed.domain.commands import GiveUpHold
from services.bed.domain.texts import failed
from services.bed.domain.values import PROMISE
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Claim, Document
from services.shared.eventstore.work import Work
from services.shared.kernel.refusals import NotAllowed

_KIND: Final = "ended-referral"
#: Holds a promise that nobody is to have any more.
HOLDER: Final = "ended-referrals"
#: Nothing comes after these; a withdrawn acceptance or a patient who did not come may be accepted elsewhere.
_ENDS: Final = frozenset(
    {"REFERRAL_CANCELLED", "REFERRAL_EXPIRED", "REFERRAL_CLOSED", "PATIENT_DIED", "ENTERED_IN_ERROR"}
)


async def note_end(store: EventStore, work: Work, command: GiveUpHold) -> None:
    """Written with what the end does to the bed: a referral that has none is remembered, too. Raises
    DependencyDown when the store is away."""
    if command.reason.code not in _ENDS:
        return
    work.put(Document(kind=_KIND, key=command.referral, version=1, value=command.reason.code.encode()))
    # Who has died is closed later.
    if await store.find_claim(PROMISE, command.referral) != HOLDER:
        work.claim(Claim(kind=PROMISE, key=command.referral, holder=HOLDER))


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
