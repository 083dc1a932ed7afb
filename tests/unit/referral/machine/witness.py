"""What a witness of a referral's events would swear to: a second, smaller reading of the same trail.

It knows no state table and no fold. What it believes of custodian, bed, hops and offers must be what the
referral's state says after every event.
"""

from dataclasses import dataclass, field

from services.referral.domain import events as e
from services.referral.domain.referral_values import BedRegion

_BED_NEWS: dict[type[e.Event], BedRegion] = {
    e.BedHeld: BedRegion.HELD,
    e.BedUnavailable: BedRegion.UNAVAILABLE,
    e.BedHoldLapsed: BedRegion.LAPSED,
    e.BedOccupied: BedRegion.OCCUPIED,
    e.BedReleased: BedRegion.RELEASED,
}
_GIVE_A_HELD_BED_BACK = (e.ReferralCancelled, e.PatientDied, e.EnteredInError)


@dataclass
class Witness:
    """What is believed of one referral."""

    custodian: str = ""
    #: of the accepted offer
    destination: str = ""
    #: offers that were accepted and neither withdrawn nor left by a diversion
    accepted: set[str] = field(default_factory=set)
    accepted_ever: bool = False
    #: as asked for, before the bed service speaks
    asked: BedRegion = BedRegion.NOT_NEEDED
    bed: BedRegion = BedRegion.NOT_NEEDED
    hops: int = 0
    departed: bool = False
    arrived: bool = False

    def hears(self, event: e.Event) -> None:
        """One more event, in order."""
        match event:
            case e.ReferralRequested():
                self.custodian = event.origin_facility
                self.asked = BedRegion.NOT_NEEDED if event.bed_type is None else BedRegion.REQUESTED
                self.bed = self.asked
            case e.ReferralRerouted():
                self.hops += 1
            case e.ReferralAccepted():
                self.accepted.add(event.offer)
                self.accepted_ever = True
                self.destination = event.facility
            case e.AcceptanceWithdrawn():
                self.accepted.discard(event.offer)
                self.destination, self.bed = "", self.asked
            case e.PatientDiverted():
                self.accepted = {event.offer.name}
                self.destination, self.bed = event.destination_facility, self.asked
            case e.PatientDeparted():
                self.departed = True
            case e.PatientArrived():
                self.arrived, self.custodian = True, event.facility
            case _ if type(event) in _BED_NEWS:
                self.bed = _BED_NEWS[type(event)]
            case _ if isinstance(event, _GIVE_A_HELD_BED_BACK) and self.bed is BedRegion.HELD:
                self.bed = BedRegion.RELEASED
