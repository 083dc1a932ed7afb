"""Facilities and people of the tests: Jimsar County and its neighbours, as in the sample directory."""

from datetime import UTC, datetime

from services.referral.domain import directory as applying
from services.referral.domain.directory import ApplyDirectory, DirectoryApplied
from services.referral.domain.directory_state import DIRECTORY_NAME, Community, Directory, Facility
from services.referral.domain.values import FacilityLevel
from services.shared.kernel.actor import Actor, Role, system_actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.text import BilingualText

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def _name(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


COMMUNITIES = (
    Community(
        id="jimsar-mc", name=_name("吉木萨尔县医共体", "Jimsar"), county="652327", lead="jimsar-general"
    ),
    Community(id="qitai-mc", name=_name("奇台县医共体", "Qitai"), county="652325", lead="qitai-people"),
    Community(id="east-mc", name=_name("城东医共体", "East"), county="652327", lead="east-hospital"),
)

FACILITIES = (
    Facility(
        id="jimsar-general",
        name=_name("吉木萨尔县总医院", "Jimsar General"),
        level=FacilityLevel.COUNTY,
        community="jimsar-mc",
        region="652327",
        capabilities=("STROKE", "CHEST_PAIN", "CRITICAL_CARE", "REHABILITATION"),
    ),
    Facility(
        id="wucaiwan",
        name=_name("五彩湾镇分院", "Wucaiwan"),
        level=FacilityLevel.TOWNSHIP,
        community="jimsar-mc",
        region="652327",
        capabilities=("THROMBOLYSIS",),
        travel_minutes={"jimsar-general": 95},
    ),
    Facility(
        id="jimsar-town",
        name=_name("吉木萨尔镇分院", "Jimsar Town"),
        level=FacilityLevel.TOWNSHIP,
        community="jimsar-mc",
        region="652327",
        capabilities=("REHABILITATION",),
        travel_minutes={"jimsar-general": 10},
    ),
    Facility(
        id="wucaiwan-park-clinic",
        name=_name("五彩湾园区卫生室", "Park Clinic"),
        level=FacilityLevel.VILLAGE,
        community="jimsar-mc",
        region="652327",
        travel_minutes={"wucaiwan": 15, "jimsar-general": 105},
    ),
    Facility(
        id="east-hospital",
        name=_name("城东医院", "East Hospital"),
        level=FacilityLevel.COUNTY,
        community="east-mc",
        region="652327",
        capabilities=("STROKE",),
        travel_minutes={"wucaiwan": 110, "jimsar-general": 5},
    ),
    Facility(
        id="qitai-people",
        name=_name("奇台县人民医院", "Qitai People's"),
        level=FacilityLevel.COUNTY,
        community="qitai-mc",
        region="652325",
        capabilities=("STROKE", "HEMODIALYSIS"),
        travel_minutes={"jimsar-general": 60, "wucaiwan": 120},
    ),
    Facility(
        id="changji-prefecture",
        name=_name("昌吉州人民医院", "Changji Prefecture"),
        level=FacilityLevel.CITY,
        region="652300",
        capabilities=("STROKE", "CHEST_PAIN", "TRAUMA", "CRITICAL_CARE", "DAY_SURGERY"),
        travel_minutes={"jimsar-general": 130},
    ),
    Facility(
        id="xinjiang-4th",
        name=_name("新疆医科大学第四附属医院", "Xinjiang Fourth"),
        level=FacilityLevel.PROVINCE,
        region="650000",
        capabilities=("TRAUMA", "CRITICAL_CARE"),
        travel_minutes={"jimsar-general": 165, "changji-prefecture": 45},
    ),
    Facility(
        id="ambulance-120",
        name=_name("120急救站", "Ambulance 120"),
        level=FacilityLevel.TOWNSHIP,
        region="652327",
    ),
)


def applied(
    *commands: ApplyDirectory, actor: Actor | None = None, version: int = 0, state: Directory | None = None
) -> Directory:
    """The directory after the commands."""
    for number, command in enumerate(commands, start=version + 1):
        context = CommandContext(
            request_id=f"directory-{number}", actor=actor or OPERATOR, occurred_at=START, recorded_at=START
        )
        for event in applying.decide(state, command, context):
            state = applying.evolve(state, Recorded(event=event, metadata=metadata(event, number)))
    if state is None:
        raise AssertionError("nothing was applied")
    return state


def metadata(event: DirectoryApplied, version: int) -> EventMetadata:
    return EventMetadata(
        event_id=f"event-{version}",
        aggregate_id=DIRECTORY_NAME,
        version=version,
        type=type(event).__name__,
        occurred_at=START,
        recorded_at=START,
        actor=OPERATOR,
        request_id=f"directory-{version}",
    )


def person(facility: str, *roles: Role) -> Actor:
    user = f"{facility or 'nowhere'}/{'+'.join(roles)}"
    return Actor(user=user, name=user, facility=facility, roles=roles)


OPERATOR = person("", Role.OPERATOR)
SYSTEM = system_actor("referral")

WUCAIWAN = person("wucaiwan", Role.CLINICIAN)
WUCAIWAN_OFFICE = person("wucaiwan", Role.REFERRAL_OFFICE)
TOWN = person("jimsar-town", Role.CLINICIAN)
CLINIC = person("wucaiwan-park-clinic", Role.CLINICIAN)
GENERAL = person("jimsar-general", Role.CLINICIAN)
GENERAL_OFFICE = person("jimsar-general", Role.REFERRAL_OFFICE)
GENERAL_BEDS = person("jimsar-general", Role.BED_DESK)
EAST = person("east-hospital", Role.CLINICIAN)
QITAI = person("qitai-people", Role.CLINICIAN)
QITAI_OFFICE = person("qitai-people", Role.REFERRAL_OFFICE)
CHANGJI = person("changji-prefecture", Role.CLINICIAN)
CHANGJI_OFFICE = person("changji-prefecture", Role.REFERRAL_OFFICE)
AMBULANCE = person("ambulance-120", Role.AMBULANCE)
COORDINATOR = person("jimsar-town", Role.COORDINATOR)
QITAI_COORDINATOR = person("qitai-people", Role.COORDINATOR)

DIRECTORY = applied(ApplyDirectory(communities=COMMUNITIES, facilities=FACILITIES))
