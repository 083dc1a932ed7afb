"""A coordinator's office reaches as far as its community: what is seen, and what may be done."""

from dataclasses import replace
from typing import Any

import pytest

from services.notification.application.change_alert import change_alert
from services.notification.application.reading import may_see
from services.notification.domain.alert_state import alert_name, parties
from services.notification.domain.board import may_arrange
from services.notification.domain.commands import ResolveAlert
from services.notification.domain.communities import acting_at, community_facilities, seen_by, sees
from services.notification.domain.directory import Community, Directory, Facility, FacilityLevel
from services.notification.domain.values import CodedReason
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotFound
from services.shared.kernel.text import BilingualText
from tests.unit.notification.scenario import HOSPITAL, KEY, TRIGGERED, context, given, person

NAME = BilingualText(zh="甲", en="A")


def facility(id_: str, community: str) -> Facility:
    return Facility(id=id_, name=NAME, level=FacilityLevel.COUNTY, community=community)


#: One community with another within it, and one beside them.
DIRECTORY = Directory(
    facilities={
        each.id: each
        for each in (
            facility(HOSPITAL, "county"),
            facility("branch", "town"),
            facility("beside", "other"),
            facility("alone", ""),
        )
    },
    communities={
        each.id: each
        for each in (
            Community(id="county", name=NAME),
            Community(id="town", name=NAME, parent="county"),
            Community(id="other", name=NAME),
        )
    },
)


def coordinator(facility_: str) -> Actor:
    return person(Role.COORDINATOR, user="co", facility=facility_)


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (coordinator(HOSPITAL), {HOSPITAL, "branch"}),
        (coordinator("branch"), {"branch"}),
        (coordinator("beside"), {"beside"}),
        (coordinator("alone"), {"alone"}),
        (coordinator(""), set()),
        (person(Role.CLINICIAN), {HOSPITAL}),
        (person(Role.OPERATOR, facility=""), None),
    ],
)
def test_who_sees_which_facilities(actor: Actor, seen: set[str] | None) -> None:
    assert seen_by(actor, DIRECTORY) == seen
    for each in DIRECTORY.facilities:
        assert sees(actor, each, DIRECTORY) is (seen is None or each in seen)


def test_a_facility_of_no_community_is_nobodys_but_its_own() -> None:
    assert community_facilities("alone", DIRECTORY) == frozenset()
    assert community_facilities("unknown", DIRECTORY) == frozenset()


def test_an_alert_is_shown_to_its_communitys_coordinator_and_to_no_other() -> None:
    state = given(TRIGGERED).state
    assert HOSPITAL in parties(state)
    assert may_see(state, coordinator(HOSPITAL), DIRECTORY)
    assert not may_see(state, coordinator("beside"), DIRECTORY)
    assert may_see(state, person(Role.OPERATOR, facility=""), DIRECTORY)


def test_a_coordinators_role_counts_in_the_own_community_alone() -> None:
    assert acting_at(coordinator(HOSPITAL), "branch", DIRECTORY).has_role(Role.COORDINATOR)
    elsewhere = acting_at(coordinator("beside"), HOSPITAL, DIRECTORY)
    assert not elsewhere.has_role(Role.COORDINATOR)
    assert not may_arrange(elsewhere, HOSPITAL)
    both = replace(coordinator("beside"), roles=(Role.COORDINATOR, Role.CLINICIAN))
    assert acting_at(both, HOSPITAL, DIRECTORY).roles == (Role.CLINICIAN,)


class OneAlert:
    """A unit of work that has one alert."""

    def __init__(self, actor: Actor) -> None:
        self.context = context(actor)
        self.state = given(TRIGGERED).state
        self.recorded: list[Any] = []

    async def load_target(self, kind: object, name: str) -> Any:
        return self.state

    load = load_target

    async def record(self, kind: object, name: str, events: Any) -> Any:
        self.recorded.extend(events)
        return self.state

    def reply(self, kind: object, name: str) -> Any:
        return None


async def _resolve(actor: Actor) -> list[Any]:
    class Kinds:
        alert = drill = None

    work = OneAlert(actor)
    command = ResolveAlert(reason=CodedReason(code="HANDLED"))
    use_case = change_alert(Kinds(), command, alert_name(KEY, None), DIRECTORY)  # type: ignore[arg-type]
    await use_case(work)  # type: ignore[arg-type]
    assert work.context.actor == actor, "what is kept is who it was, whole"
    return work.recorded


async def test_only_the_communitys_coordinator_resolves_an_alert() -> None:
    assert [type(event).__name__ for event in await _resolve(coordinator(HOSPITAL))] == ["AlertResolved"]
    with pytest.raises(NotFound):
        await _resolve(coordinator("beside"))
