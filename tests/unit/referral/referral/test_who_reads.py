"""Who may read a referral, and what lists find it by."""

from services.referral.domain import commands as c
from services.referral.domain.referral import facets, may_read, reading_facilities
from services.referral.domain.referral_state import parties
from services.shared.kernel.refusals import NotFound, NotPermitted
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    COORDINATOR,
    DIRECTORY,
    EAST,
    GENERAL,
    OPERATOR,
    QITAI_COORDINATOR,
    SYSTEM,
    TOWN,
    WUCAIWAN,
    person,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    REASON,
    awaiting_approval,
    in_transit,
    requested,
    told,
)


def test_whoever_takes_no_part_learns_nothing() -> None:
    for actor in (EAST, TOWN, QITAI_COORDINATOR, person("", *WUCAIWAN.roles)):
        assert isinstance(requested().refused(ACCEPT, actor), NotFound)
        assert not may_read(requested().referral, actor, DIRECTORY)
    for actor in (OPERATOR, SYSTEM):
        assert isinstance(requested().refused(ACCEPT, actor), NotPermitted)
        assert may_read(requested().referral, actor, DIRECTORY)
    assert isinstance(Chart().refused(ACCEPT, GENERAL), NotFound)


def test_who_reads() -> None:
    assert reading_facilities(OPERATOR, DIRECTORY) is None
    assert reading_facilities(SYSTEM, DIRECTORY) is None
    assert reading_facilities(WUCAIWAN, DIRECTORY) == frozenset({"wucaiwan"})
    assert reading_facilities(person("", *WUCAIWAN.roles), DIRECTORY) == frozenset()
    assert reading_facilities(person("elsewhere", *WUCAIWAN.roles), DIRECTORY) == frozenset({"elsewhere"})
    members = reading_facilities(COORDINATOR, DIRECTORY)
    assert members == frozenset({"jimsar-general", "wucaiwan", "jimsar-town", "wucaiwan-park-clinic"})
    alone = person("changji-prefecture", *COORDINATOR.roles)
    assert reading_facilities(alone, DIRECTORY) == frozenset({"changji-prefecture"})


def test_parties_grow_with_the_history() -> None:
    assert parties(requested().referral) == ("wucaiwan", "jimsar-general")
    assert parties(awaiting_approval().referral) == ("jimsar-general",)
    assert parties(in_transit().referral) == ("wucaiwan", "ambulance-120", "jimsar-general", "crews/wucaiwan")
    chart = told((c.DeclineReferral(reason=REASON), GENERAL), chart=requested())
    assert may_read(chart.referral, GENERAL, DIRECTORY)


def test_facets_are_what_lists_filter_by() -> None:
    assert facets(in_transit().referral) == {
        "parties": ["wucaiwan", "ambulance-120", "jimsar-general", "crews/wucaiwan"],
        "live": True,
        "phase": "OPEN",
        "state": "IN_TRANSIT",
        "waiting": ["jimsar-general"],
        "overdue": False,
        "episode": in_transit().referral.episode,
        "patient": "patient-7",
        "pathway": "STROKE",
        "urgency": "EMERGENCY",
        "direction": "UP",
        "origin": "wucaiwan",
        "destination": "jimsar-general",
        "created": in_transit().referral.create_time.isoformat(),
    }
