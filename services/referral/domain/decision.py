"""What a decision is made on: the state, the command, its context and the facts beside them."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from services.referral.domain.directory_state import Directory
from services.referral.domain.free_beds import WardBeds
from services.referral.domain.norms import Assessment
from services.referral.domain.policy import ReferralPolicy, Terms
from services.referral.domain.referral_state import Referral
from services.shared.kernel.command import CommandContext

C_co = TypeVar("C_co", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision(Generic[C_co]):
    """Everything that guards and events of one command may look at."""

    state: Referral
    command: C_co
    context: CommandContext
    directory: Directory
    policy: ReferralPolicy
    #: live referrals of the episode, this one left out
    live_referrals: tuple[str, ...] = ()
    #: the referral that this one opened, when the command needs it (`child_needed`)
    child: Referral | None = None
    #: wards of the facility that `beds_needed` names
    wards: tuple[WardBeds, ...] = ()
    #: what the norms say, when the command must hold them
    assessments: tuple[Assessment, ...] = ()

    @property
    def terms(self) -> Terms:
        return self.policy.terms(self.state.urgency, self.state.pathway)

    @property
    def facility(self) -> str:
        """The actor's facility."""
        return self.context.actor.facility
