"""Events of other services as the rules see them, and the network that they happen in (cases/jimsar.yaml)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.notification.domain.directory import Community, Directory, Facility, FacilityLevel
from services.notification.domain.occurrence import Occurrence, occurrence_of
from services.shared.kernel.text import BilingualText
from tests.unit.notification.scenario import (
    BRANCH,
    CONSULTATION,
    EPISODE,
    HOSPITAL,
    NOW,
    OFFER,
    PREFECTURE,
    REFERRAL,
    TWO_MINUTES,
)

WARD = "wards/jg-stroke"
SECOND_OFFER = "offers/0ffe12ab-0000-4000-8000-000000000002"
ETA = NOW + timedelta(minutes=95)
HALF_HOUR = timedelta(minutes=30)

BED = {"hold": "holds/1", "facility": HOSPITAL, "ward": "jg-stroke", "bed": "b-1", "reason": "NO_FREE_BED"}
HOLD = {
    "name": "holds/1",
    "referral": REFERRAL,
    "patient": "p-1",
    "ward": "jg-stroke",
    "bed": "b-1",
    "facility": HOSPITAL,
}
CRITICAL_REPORT = {
    "report": {"findings": "STEMI", "critical_value": True},
    "critical_value_notice": {"acknowledge_by": NOW + timedelta(minutes=30), "acknowledged": False},
}


def occurrence(
    event_type: str,
    fields: Mapping[str, object] | None = None,
    *,
    of: str = REFERRAL,
    version: int = 2,
    at: datetime = NOW,
    **envelope: object,
) -> Occurrence:
    """An event of a stroke emergency from the branch to the hospital, unless `envelope` says otherwise."""
    whom: dict[str, object] = {}
    if of.startswith("referrals/"):
        whom = {
            "episode": EPISODE,
            "origin_facility": BRANCH,
            "destination_facility": HOSPITAL,
            "urgency": "EMERGENCY",
            "pathway": "STROKE",
        }
    return occurrence_of(
        event_id=f"{of}-{version}-{event_type}",
        event_type=event_type,
        aggregate_id=of,
        version=version,
        occurred_at=at,
        recorded_at=at,
        fields=fields or {},
        envelope=whom | envelope,
    )


def offer(name: str = OFFER, facility: str = HOSPITAL, state: str = "SENT") -> dict[str, object]:
    return {
        "name": name,
        "facility": facility,
        "state": state,
        "sent_at": NOW,
        "acknowledge_by": NOW + TWO_MINUTES,
        "decide_by": NOW + timedelta(minutes=10),
    }


def _facility(
    facility: str,
    zh: str,
    en: str,
    level: FacilityLevel,
    *capabilities: str,
    community: str = "jimsar-mc",
    travel_minutes: dict[str, int] | None = None,
) -> Facility:
    return Facility(
        id=facility,
        name=BilingualText(zh=zh, en=en),
        level=level,
        community=community,
        capabilities=capabilities,
        travel_minutes=travel_minutes or {},
    )


DIRECTORY = Directory(
    facilities={
        facility.id: facility
        for facility in (
            _facility(
                HOSPITAL,
                "吉木萨尔县总医院",
                "Jimsar County General Hospital",
                FacilityLevel.COUNTY,
                "STROKE",
                "CHEST_PAIN",
                "ECG",
            ),
            _facility(
                BRANCH,
                "五彩湾镇分院",
                "Wucaiwan Township Branch",
                FacilityLevel.TOWNSHIP,
                "THROMBOLYSIS",
                travel_minutes={HOSPITAL: 95},
            ),
            _facility(
                PREFECTURE,
                "昌吉州人民医院",
                "Changji Prefecture People's Hospital",
                FacilityLevel.CITY,
                "STROKE",
                "TRAUMA",
                community="",
                travel_minutes={HOSPITAL: 130},
            ),
            _facility(
                "xinjiang-4th",
                "新疆医科大学第四附属医院",
                "Fourth Affiliated Hospital",
                FacilityLevel.PROVINCE,
                "TRAUMA",
                community="",
                travel_minutes={HOSPITAL: 165},
            ),
        )
    },
    communities={
        "jimsar-mc": Community(
            id="jimsar-mc",
            name=BilingualText(zh="吉木萨尔县医共体", en="Jimsar County Medical Community"),
            county="652327",
            lead=HOSPITAL,
        )
    },
)


def asked_for_consultation(
    urgency: str = "EMERGENCY", kind: str = "ECG", pathway: str = "CHEST_PAIN"
) -> Occurrence:
    return occurrence(
        "ConsultationRequested",
        {
            "episode": EPISODE,
            "patient": "p-1",
            "kind": kind,
            "urgency": urgency,
            "pathway": pathway,
            "requesting_facility": BRANCH,
            "centre_facility": HOSPITAL,
            "due_at": NOW + HALF_HOUR,
        },
        of=CONSULTATION,
        version=1,
    )


def of_consultation(event_type: str, fields: Mapping[str, object] | None = None) -> tuple[Occurrence, ...]:
    return asked_for_consultation(), occurrence(event_type, fields, of=CONSULTATION)


EXHAUSTED = {"offer": OFFER, "facility": HOSPITAL, "exhausted": True, "expires_at": ETA}
DIVERTED = {
    "from_facility": HOSPITAL,
    "destination_facility": PREFECTURE,
    "reason": {"code": "ROAD_CLOSED"},
    "estimated_arrival_time": ETA,
}
TO_PREFECTURE = occurrence("PatientDiverted", DIVERTED, destination_facility=PREFECTURE)
