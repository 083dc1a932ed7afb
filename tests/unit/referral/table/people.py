"""Who may give each command, and which commands each state offers.

Source: column "by" of the state table. Everybody of the cast tries every row: each part that a facility can
have in a referral, in each role that a token can carry. The neighbour is also the lead that approved it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.referral_values import ReferralState
from services.shared.kernel.actor import Actor, Role
from tests.unit.referral.referral.children import FOLLOW_UP
from tests.unit.referral.referral.network import START, person
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRANGE,
    ARRIVE,
    BACK,
    CANCEL,
    CLOSE,
    COMPLETE,
    CREATE,
    DEPART,
    ERROR,
    REASON,
    TO_STATE,
    bed,
    down_arrived,
)
from tests.unit.referral.table import tales, tales_down
from tests.unit.referral.table.cases import Allowed, Story, WhoMay
from tests.unit.referral.table.moves import (
    ANSWERS,
    BYPASS,
    CALLED_AN_ERROR,
    DIVERT,
    REROUTE,
    TAKEN_BACK,
)
from tests.unit.referral.table.moves_plan import (
    AMENDED,
    DONE,
    EXPLAINED,
    NOT_NEEDED,
    OPENED,
    READ,
    WITH_PATIENT,
)
from tests.unit.referral.table.moves_record import COMPLETED_RECORD
from tests.unit.referral.table.moves_results import ADDED, REPEATED
from tests.unit.referral.table.moves_review import REVIEW, TO_REVIEW, WITH_DESTINATION
from tests.unit.referral.table.moves_steps import EXPECTED_LATER
from tests.unit.referral.table.tales import ASK, DECLINE, NON_TERMINAL, WITHDRAW

S = ReferralState
CLINICIAN, OFFICE, DESK = Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.BED_DESK
STAFF: Final = (CLINICIAN, OFFICE)
RECEPTION: Final = (CLINICIAN, OFFICE, DESK)

#: The part that each facility of the tests has in the stories' referral, unless a row says otherwise.
CAST: Final[Mapping[str, str]] = {
    "origin": "wucaiwan",
    "destination": "jimsar-general",
    "neighbour": "jimsar-town",
    "stranger": "qitai-people",
    "ambulance": "ambulance-120",
    "nowhere": "",
}
_EVERYWHERE: Final = tuple(CAST)
#: Coordinators act for the members of their community.
_COMMUNITY: Final = ("origin", "destination", "neighbour")
#: Ambulances serve the county of the origin.
_COUNTY: Final = (*_COMMUNITY, "ambulance")


@dataclass(frozen=True, kw_only=True)
class Door:
    """Whom one row lets in."""

    place: S | Story
    order: c.Command
    #: roles by part
    staff: Mapping[str, tuple[Role, ...]]
    #: an ambulance service of the origin's county, or its own
    ambulance: bool = False
    coordinator: bool = False
    system: bool = False
    cast: Mapping[str, str] = field(default_factory=lambda: CAST)

    def lets_in(self, part: str, role: Role) -> bool:
        if role is Role.AMBULANCE and self.ambulance:
            return part in _COUNTY
        if role is Role.COORDINATOR and self.coordinator:
            return part in _COMMUNITY
        if role is Role.SYSTEM and self.system:
            return True
        return role in self.staff.get(part, ())


def _origin(place: S | Story, order: c.Command, **more: bool) -> Door:
    return Door(place=place, order=order, staff={"origin": STAFF}, **more)


def _destination(place: S | Story, order: c.Command, roles: tuple[Role, ...] = STAFF) -> Door:
    return Door(place=place, order=order, staff={"destination": roles})


_DOWN = {**CAST, "origin": "jimsar-general", "destination": "jimsar-town", "neighbour": "wucaiwan"}
_DEATH = c.RecordDeath(died_at=START, certifier="张医生")
_BRANCH_APPROVAL = {**CAST, "destination": "changji-prefecture", "approver": "jimsar-general"}
_APPROVER = {"approver": (OFFICE,)}

DOORS: Final = (
    # Whoever creates is the origin, wherever that is: a facility of the directory.
    Door(
        place=tales.nothing,
        order=CREATE,
        staff=dict.fromkeys(("origin", "destination", "neighbour", "stranger", "ambulance"), (CLINICIAN,)),
    ),
    Door(
        place=tales.approval_of_a_branch,
        order=c.ApproveReferral(),
        staff=_APPROVER,
        cast=_BRANCH_APPROVAL,
    ),
    Door(
        place=tales.approval_of_a_branch,
        order=c.RefuseApproval(reason=REASON),
        staff=_APPROVER,
        cast=_BRANCH_APPROVAL,
    ),
    _destination(S.REQUESTED, c.AcknowledgeOffer()),
    _destination(S.REQUESTED, ASK),
    _destination(S.INFO_REQUESTED, c.AcknowledgeOffer()),
    _destination(S.INFO_REQUESTED, ASK),
    _origin(S.INFO_REQUESTED, ANSWERS),
    _destination(S.REQUESTED, ACCEPT, (CLINICIAN,)),
    _destination(S.REQUESTED, DECLINE),
    _destination(S.INFO_REQUESTED, DECLINE),
    _origin(S.DECLINED, REROUTE, coordinator=True),
    _destination(S.ACCEPTED, WITHDRAW),
    _origin(S.ACCEPTED, ARRANGE, ambulance=True),
    _origin(S.TRANSPORT_ARRANGED, DEPART, ambulance=True),
    Door(place=S.IN_TRANSIT, order=DIVERT, staff={}, ambulance=True, coordinator=True),
    *(_origin(state, EXPECTED_LATER, ambulance=True) for state in (S.TRANSPORT_ARRANGED, S.IN_TRANSIT)),
    _destination(S.IN_TRANSIT, ARRIVE, RECEPTION),
    _destination(S.TRANSPORT_ARRANGED, c.ReportNoShow(), RECEPTION),
    _destination(S.ARRIVED, c.StartTreatment()),
    _destination(S.IN_TREATMENT, COMPLETE),
    _destination(S.TREATED, BACK),
    Door(place=down_arrived, order=FOLLOW_UP, staff={"destination": STAFF}, cast=_DOWN),
    *(
        Door(place=down_arrived, order=order, staff={"origin": STAFF, "destination": STAFF}, cast=_DOWN)
        for order in (DONE, NOT_NEEDED, EXPLAINED, AMENDED)
    ),
    # Before the arrival the plan is the sender's.
    *(
        Door(place=tales_down.down_accepted, order=order, staff={"origin": STAFF}, cast=_DOWN)
        for order in (NOT_NEEDED, AMENDED)
    ),
    Door(place=TO_REVIEW[S.IN_TRANSIT], order=REVIEW, staff={"neighbour": (OFFICE,)}),
    Door(place=S.IN_TRANSIT, order=ADDED, staff={"origin": STAFF, "destination": STAFF}),
    _destination(S.ARRIVED, REPEATED),
    _origin(S.TREATED, READ),
    _origin(S.TREATED, CLOSE),
    _origin(S.REQUESTED, CANCEL),
    _origin(S.ACCEPTED, CANCEL),
    _destination(S.CANCEL_REQUESTED, c.ConfirmCancellation()),
    # The custodian: the origin until the departure, also on the road; then the destination.
    _origin(S.IN_TRANSIT, _DEATH),
    _destination(S.ARRIVED, _DEATH),
    _origin(tales.approval_of_a_branch, ERROR),
    # Who may say it is not asked here: the second word is another person's.
    Door(
        place=CALLED_AN_ERROR[S.IN_TREATMENT],
        order=ERROR,
        staff={"origin": STAFF, "destination": (OFFICE,)},
        coordinator=True,
    ),
    # Who was asked to confirm it does not take it back.
    _origin(CALLED_AN_ERROR[S.IN_TREATMENT], TAKEN_BACK),
    # Whose acceptance none is yet, of that community nobody coordinates.
    Door(
        place=tales.two_asked_called_an_error,
        order=ERROR,
        staff={"origin": STAFF, "destination": (OFFICE,), "asked": (OFFICE,)},
        coordinator=True,
        cast={**CAST, "asked": "east-hospital"},
    ),
    _destination(S.ACCEPTED, BYPASS),
    # The record is the origin's always, and then also of who has the patient.
    _origin(S.IN_TRANSIT, COMPLETED_RECORD),
    Door(place=S.ARRIVED, order=COMPLETED_RECORD, staff={"origin": STAFF, "destination": STAFF}),
    Door(place=S.ACCEPTED, order=bed(BedNews.HELD, 2), staff={}, system=True),
    Door(place=S.ACCEPTED, order=OPENED, staff={}, system=True),
    Door(place=S.REQUESTED, order=c.MeetDeadline(key="acknowledge:none"), staff={}, system=True),
)

#: The commands that people are told of, by state; of a DOWN referral see below.
OFFERED: Final[Mapping[S, str]] = {
    S.AWAITING_APPROVAL: "ApproveReferral RefuseApproval CancelReferral",
    S.REQUESTED: "AcknowledgeOffer RequestInformation AcceptReferral DeclineReferral CancelReferral",
    S.INFO_REQUESTED: (
        "AcknowledgeOffer RequestInformation ProvideInformation AcceptReferral DeclineReferral CancelReferral"
    ),
    S.DECLINED: "RerouteReferral CancelReferral",
    S.ACCEPTED: "WithdrawAcceptance ArrangeTransport DepartPatient ReportArrival ReportNoShow CancelReferral",
    S.TRANSPORT_ARRANGED: (
        "WithdrawAcceptance DepartPatient UpdateArrivalEstimate ReportArrival ReportNoShow CancelReferral"
    ),
    S.IN_TRANSIT: "DivertPatient UpdateArrivalEstimate ReportArrival",
    S.NO_SHOW: "ArrangeTransport CancelReferral",
    S.ARRIVED: "StartTreatment CompleteTreatment",
    S.IN_TREATMENT: "CompleteTreatment",
    S.TREATED: "ReferBack AcknowledgeOutcome CloseReferral",
    S.CANCEL_REQUESTED: "ReportArrival ConfirmCancellation",
    S.CLOSED: "",
    S.CANCELLED: "",
    S.EXPIRED: "",
    S.DECEASED: "",
    S.ENTERED_IN_ERROR: "",
}


def _offered(state: S) -> frozenset[str]:
    always = {"RecordDeath", "CompleteRecord", "AddResults"} if state in NON_TERMINAL else set()
    wrong = set() if state is S.ENTERED_IN_ERROR else {"MarkEnteredInError"}
    leads = {"ReviewReferral"} if state in WITH_DESTINATION else set()
    bypass = {"GrantBypass"} if state in (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.NO_SHOW) else set()
    repeats = {"RecordRepeat"} if state in WITH_PATIENT else set()
    return frozenset({*OFFERED[state].split(), *always, *wrong, *leads, *bypass, *repeats})


def _tries(door: Door) -> Iterator[WhoMay]:
    told = TO_STATE[door.place] if isinstance(door.place, S) else door.place
    story = told if "approver" in door.cast else partial(tales.once_approved, told)
    for part in (*_EVERYWHERE, *(each for each in door.cast if each not in _EVERYWHERE)):
        for role in Role:
            yield WhoMay(
                command=type(door.order).__name__,
                story=story,
                order=door.order,
                who=_somebody(door.cast[part], role),
                label=f"{part}-{role.value}",
                may=door.lets_in(part, role),
            )


def _somebody(facility: str, role: Role) -> Actor:
    return person(facility, role)


def all_people() -> Iterable[WhoMay]:
    for door in DOORS:
        yield from _tries(door)


def all_offered() -> Iterable[Allowed]:
    for state in S:
        yield Allowed(label=state.value, story=TO_STATE[state], commands=_offered(state))
    for state, story in CALLED_AN_ERROR.items():
        taken_back = _offered(state) | {"WithdrawErrorMark"}
        yield Allowed(label=f"called-an-error-{state}", story=story, commands=taken_back)
    for state, story in tales_down.DOWN.items():
        plan = {"CancelTask", "AmendPlan"}
        if state in WITH_PATIENT:
            plan |= {"RecordFollowUp", "CompleteTask", "ExplainMissedTask"}
        yield Allowed(label=f"DOWN-{state}", story=story, commands=_offered(state) | plan)
