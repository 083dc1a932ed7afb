"""The counties that the load is played in: each has a hospital with branches, beds, and people on duty."""

from services.operator.casefile.model import BedGroup, Directory, Duty, Site, Ward
from services.shared.kernel.actor import Actor, Role

#: As many as have connections of their own; more provinces make them busier, not more.
COUNTIES = 10
BRANCHES = 2
#: More than are ever taken at once: what is measured is not a lack of beds.
_BEDS = 200
_WARDS = ("STROKE_UNIT", "GENERAL")
_CAPABILITIES = ("STROKE", "CHEST_PAIN", "CRITICAL_CARE", "ECG", "IMAGING", "LAB", "REHABILITATION")
_MINUTES = 45


def county_hospital(county: int) -> str:
    """Its id."""
    return f"prov-c{county:02d}"


def branch(county: int, number: int) -> str:
    """The id of a branch."""
    return f"prov-c{county:02d}-b{number}"


def people() -> dict[str, Actor]:
    """Everybody who calls, by `facility/role`."""
    found: dict[str, Actor] = {}
    for county in range(COUNTIES):
        hospital = county_hospital(county)
        found |= {key(each.facility, each.roles[0]): each for each in (_clinician(hospital), _desk(hospital))}
        for number in range(BRANCHES):
            who = _clinician(branch(county, number))
            found[key(who.facility, who.roles[0])] = who
    return found


def key(facility: str, role: Role) -> str:
    """How a person is named among `people`."""
    return f"{facility}/{role.value}"


def site() -> Site:
    """All that must be in force before the load begins."""
    facilities: list[dict[str, object]] = []
    wards: dict[str, tuple[Ward, ...]] = {}
    rosters: dict[str, tuple[Duty, ...]] = {}
    for county in range(COUNTIES):
        hospital = county_hospital(county)
        names = [hospital, *(branch(county, number) for number in range(BRANCHES))]
        facilities += [_facility(county, name) for name in names]
        wards[hospital] = tuple(
            Ward(
                id=f"{hospital}-{bed_type.lower().replace('_', '-')}",
                bed_type=bed_type,
                groups=(BedGroup(count=_BEDS, constraints={}),),
            )
            for bed_type in _WARDS
        )
        rosters |= {name: _duties(name, is_hospital=name == hospital) for name in names}
    communities = tuple(
        {
            "id": f"prov-m{county:02d}",
            "name": {"zh": f"医共体 {county}", "en": f"community {county}"},
            "county": f"{652301 + county}",
            "lead": county_hospital(county),
        }
        for county in range(COUNTIES)
    )
    directory = Directory(communities=communities, facilities=tuple(facilities), wards=wards)
    return Site(directory=directory, people=people(), rosters=rosters)


def _facility(county: int, name: str) -> dict[str, object]:
    hospital = county_hospital(county)
    is_hospital = name == hospital
    return {
        "id": name,
        "name": {"zh": name, "en": name},
        "level": "COUNTY" if is_hospital else "TOWNSHIP",
        "community": f"prov-m{county:02d}",
        "region": f"{652301 + county}",
        "capabilities": list(_CAPABILITIES) if is_hospital else ["THROMBOLYSIS"],
        "travel_minutes": {} if is_hospital else {hospital: _MINUTES},
    }


def _duties(facility: str, *, is_hospital: bool) -> tuple[Duty, ...]:
    """The one clinician is on duty for whatever is called; that he has no backup is not what is measured."""
    roles = ("clinician", "referral_office", *(_CAPABILITIES if is_hospital else ()))
    duties = [Duty(role=role, step="duty", who=_clinician(facility)) for role in roles]
    if is_hospital:
        duties.append(Duty(role="bed_desk", step="duty", who=_desk(facility)))
    return tuple(duties)


def _clinician(facility: str) -> Actor:
    return Actor(user=f"{facility}-duty", name="Bench clinician", facility=facility, roles=(Role.CLINICIAN,))


def _desk(facility: str) -> Actor:
    return Actor(user=f"{facility}-desk", name="Bench bed desk", facility=facility, roles=(Role.BED_DESK,))
