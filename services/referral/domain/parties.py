"""Who may do what on a referral: the parties of the state table, and who may read.

Source: docs/domain.md, column "by"; roles of docs/guide-integration.md, Credentials.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.referral.domain.directory_state import Directory
from services.referral.domain.labels import PARTIES, ROLES
from services.referral.domain.offers_found import accepted_offer
from services.referral.domain.readers import coordinates, knows_of, serves
from services.referral.domain.referral_state import WITH_CREWS, Referral, parties
from services.referral.domain.texts import filled, text
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotFound, NotPermitted
from services.shared.kernel.text import BilingualText


class Party(StrEnum):
    """A part that a facility (or a role) has in one referral."""

    #: the facility that refers
    ORIGIN = "ORIGIN"
    #: any facility that an offer was sent to
    ASKED = "ASKED"
    #: the facility of the accepted offer; while none is accepted, any that was asked
    DESTINATION = "DESTINATION"
    #: the facility that has the patient now
    CUSTODIAN = "CUSTODIAN"
    #: the lead facility whose word is needed to leave the county
    APPROVER = "APPROVER"
    #: the ambulance service that carries the patient, or one of the origin, its community or its county
    AMBULANCE = "AMBULANCE"
    #: coordinator of the community of the origin or of the accepted destination
    COORDINATOR = "COORDINATOR"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, kw_only=True, slots=True)
class By:
    """One party, and the roles of which its people need one."""

    party: Party
    roles: tuple[Role, ...]


STAFF = (Role.CLINICIAN, Role.REFERRAL_OFFICE)
RECEPTION = (Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.BED_DESK)

ORIGIN = By(party=Party.ORIGIN, roles=STAFF)
ORIGIN_CLINICIAN = By(party=Party.ORIGIN, roles=(Role.CLINICIAN,))
ASKED = By(party=Party.ASKED, roles=STAFF)
ASKED_CLINICIAN = By(party=Party.ASKED, roles=(Role.CLINICIAN,))
DESTINATION = By(party=Party.DESTINATION, roles=STAFF)
DESTINATION_RECEPTION = By(party=Party.DESTINATION, roles=RECEPTION)
CUSTODIAN = By(party=Party.CUSTODIAN, roles=STAFF)
APPROVER = By(party=Party.APPROVER, roles=(Role.REFERRAL_OFFICE,))
AMBULANCE = By(party=Party.AMBULANCE, roles=(Role.AMBULANCE,))
COORDINATOR = By(party=Party.COORDINATOR, roles=(Role.COORDINATOR,))
SYSTEM = By(party=Party.SYSTEM, roles=(Role.SYSTEM,))
DESTINATION_OFFICE = By(party=Party.DESTINATION, roles=(Role.REFERRAL_OFFICE,))

#: Who confirms that an accepted referral was an error.
ERROR_CONFIRMERS = (DESTINATION_OFFICE, COORDINATOR)


def is_party(party: Party, state: Referral, actor: Actor, directory: Directory) -> bool:
    """Whether the actor's facility (for AMBULANCE, COORDINATOR and SYSTEM also the role) is that party."""
    facility = actor.facility
    match party:
        case Party.ORIGIN:
            return facility == state.origin_facility
        case Party.ASKED:
            return any(offer.facility == facility for offer in state.offers)
        case Party.DESTINATION:
            accepted = accepted_offer(state.offers)
            if accepted is not None:
                return facility == accepted.facility
            return any(offer.facility == facility for offer in state.offers)
        case Party.CUSTODIAN:
            return facility == state.custodian_facility
        case Party.APPROVER:
            return facility == state.approval_facility != ""
        case Party.AMBULANCE:
            return actor.has_role(Role.AMBULANCE) and _serves(state, facility, directory)
        case Party.COORDINATOR:
            return coordinates(_coordinated(state), actor, directory)
        case Party.SYSTEM:
            return actor.has_role(Role.SYSTEM)


def authorise(by: tuple[By, ...], state: Referral, actor: Actor, directory: Directory) -> None:
    """Returns when the actor is one of `by`.

    Raises NotFound when the actor's facility takes no part at all, else NotPermitted.
    """
    wrong_role: By | None = None
    for each in by:
        if is_party(each.party, state, actor, directory):
            if actor.has_role(*each.roles):
                return
            wrong_role = each
    if not may_read(state, actor, directory):
        raise NotFound("Referral", state.name)
    if wrong_role is not None:
        raise NotPermitted("WRONG_ROLE", _roles_text(wrong_role.roles))
    if all(each.party is Party.SYSTEM for each in by):
        raise NotPermitted("SYSTEM_ONLY", text("SYSTEM_ONLY"))
    raise NotPermitted("WRONG_FACILITY", _parties_text(by))


def authorise_creation(by: tuple[By, ...], actor: Actor) -> None:
    """Whoever refers is the origin. Raises NotPermitted without a facility or the role."""
    if not actor.facility:
        raise NotPermitted("WRONG_FACILITY", _parties_text(by))
    if not any(actor.has_role(*each.roles) for each in by):
        raise NotPermitted("WRONG_ROLE", _roles_text(by[0].roles))


def may_read(state: Referral, actor: Actor, directory: Directory) -> bool:
    """Whether the actor may know of the referral."""
    return knows_of(parties(state), actor, directory)


def _serves(state: Referral, facility: str, directory: Directory) -> bool:
    """Whoever carries him already goes on; a service from elsewhere is named when transport is arranged.

    Those near by have a part while he waits or is on the road: before and after they know of nothing.
    """
    if facility == "":
        return False
    if facility in (state.origin_facility, state.ambulance_facility):
        return True
    return state.state in WITH_CREWS and serves(facility, state.origin_facility, directory)


def _coordinated(state: Referral) -> tuple[str, ...]:
    """The facilities whose communities' coordinators have a part."""
    accepted = accepted_offer(state.offers)
    return (state.origin_facility,) if accepted is None else (state.origin_facility, accepted.facility)


def _roles_text(roles: tuple[Role, ...]) -> BilingualText:
    zh = {"roles": "、".join(ROLES[role].zh for role in roles)}
    return filled("WRONG_ROLE", zh, {"roles": ", ".join(ROLES[role].en for role in roles)})


def _parties_text(by: tuple[By, ...]) -> BilingualText:
    zh = {"party": "或".join(PARTIES[each.party].zh for each in by)}
    return filled("WRONG_FACILITY", zh, {"party": " or ".join(PARTIES[each.party].en for each in by)})
