"""Events as the fold takes them, for tests: one case from branch to hospital, its ward and its alert."""

from collections.abc import Iterable
from typing import Any

from services.operator.replay_page.folding import Choice, Fold
from services.operator.replay_page.happening import Happening, OfAlert, OfConsultation, OfReferral, OfWard
from services.operator.replay_page.story import Place, ReferralStands, Story, WardCounts
from services.shared.kernel.text import BilingualText

MINUTE = 60_000
CASE = "referrals/11111111-0000"
EPISODE = "episodes/22222222-0000"


def choice(**changes: Any) -> Choice:
    everything: dict[str, Any] = {
        "since": None,
        "until": None,
        "episodes": frozenset(),
        "facilities": frozenset(),
        "entries_max": 100,
    }
    return Choice(**{**everything, **changes})


def told(happenings: Iterable[Happening], **changes: Any) -> Story:
    """Given what happened, the story of it."""
    fold = Fold(choice(**changes))
    for each in happenings:
        fold.take(each)
    branch = Place(
        id="branch", name=BilingualText(zh="分院", en="Branch"), tier=2, community="mc", travel_minutes={}
    )
    return fold.story({"branch": branch}, {"mc": BilingualText(zh="医共体", en="Community")}, unread=0)


def happening(aggregate: str, version: int, type_: str, minute: float, of: Any, **changes: Any) -> Happening:
    at = int(minute * MINUTE)
    values: dict[str, Any] = {
        "aggregate": aggregate,
        "version": version,
        "type": type_,
        "at": at,
        "recorded_at": at,
        "facility": "branch",
        "case": CASE,
        "detail": "",
        "facilities": frozenset({"branch", "hospital"}),
        "episodes": frozenset({EPISODE}),
        "of": of,
    }
    return Happening(**{**values, **changes})


def referral(version: int, type_: str, minute: float, state: str, **changes: Any) -> Happening:
    custodian = "hospital" if state in ("ARRIVED", "CLOSED") else "branch"
    expected_at = changes.pop("expected_at", None)
    of = OfReferral(
        stands=ReferralStands(state=state, origin="branch", destination="hospital", custodian=custodian),
        episode=EPISODE,
        urgency="EMERGENCY",
        pathway="STROKE",
        direction="UP",
        green_channel="",
        expected_at=expected_at,
    )
    return happening(changes.pop("name", CASE), version, type_, minute, of, **changes)


def ward(version: int, type_: str, minute: float, counts: tuple[int, int, int], **changes: Any) -> Happening:
    free, held, occupied = counts
    facility = changes.pop("of_facility", "hospital")
    of = OfWard(
        counts=WardCounts(free=free, held=held, occupied=occupied, cleaning=0, blocked=0),
        facility=facility,
        bed_type="STROKE_UNIT",
        name=BilingualText(zh="病区", en="Ward") if type_ == "WardApplied" else None,
        referral=changes.get("case", CASE),
    )
    name = changes.pop("name", "wards/stroke")
    values = {"is_description": type_ == "WardApplied", "facilities": frozenset({facility}), **changes}
    return happening(name, version, type_, minute, of, **{"episodes": frozenset(), **values})


def alert(version: int, type_: str, minute: float, state: str | None, **changes: Any) -> Happening:
    if type_ != "AlertTriggered":
        of = OfAlert(state=state)
        values = {"case": "", "facility": "", "facilities": frozenset(), "episodes": frozenset()}
        return happening("alerts/1", version, type_, minute, of, **{**values, **changes})
    title = BilingualText(zh="急诊", en="Emergency")
    of = OfAlert(state=state, facility="hospital", severity="CRITICAL", title=title, subject=CASE)
    return happening("alerts/1", version, type_, minute, of, **changes)


def consultation(version: int, type_: str, minute: float, state: str | None) -> Happening:
    of = OfConsultation(state=state, requester="branch", centre="hospital")
    return happening("consultations/1", version, type_, minute, of, case="consultations/1")


#: Asked at 10, accepted and a bed held at 12, gone at 20 and expected at 60, there at 65, over at 90.
JOURNEY = (
    ward(1, "WardApplied", 500, (6, 0, 0)),
    referral(1, "ReferralRequested", 10, "REQUESTED"),
    alert(1, "AlertTriggered", 10, "OPEN"),
    alert(2, "AlertAcknowledged", 11, "ACKNOWLEDGED"),
    referral(2, "ReferralAccepted", 12, "ACCEPTED"),
    alert(3, "AlertResolved", 12, "RESOLVED"),
    ward(2, "BedHeld", 12, (5, 1, 0)),
    referral(3, "PatientDeparted", 20, "IN_TRANSIT", expected_at=60 * MINUTE),
    referral(4, "ArrivalEstimateChanged", 40, "IN_TRANSIT", expected_at=64 * MINUTE),
    referral(5, "PatientArrived", 65, "ARRIVED"),
    ward(3, "BedOccupied", 65, (5, 0, 1)),
    referral(6, "ReferralClosed", 90, "CLOSED"),
)
