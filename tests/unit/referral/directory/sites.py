"""Directories of the tests: a small whole one, and any that Hypothesis draws."""

from typing import Any

from hypothesis import strategies as st

from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_entries import (
    Alliance,
    FacilityIdentifier,
    GreenChannel,
    IdentifierScheme,
    PoolingArea,
    RecognitionArea,
)
from services.referral.domain.directory_identifiers import credit_check_character
from services.referral.domain.directory_state import Community, Facility
from services.referral.domain.norms_move import CAPABILITY_OF
from services.referral.domain.values import FacilityLevel
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.network import COMMUNITIES, FACILITIES

NAME = BilingualText(zh="某院", en="Some")

ALLIANCE = Alliance(
    id="stroke-alliance", specialty="STROKE", name=NAME, members=("jimsar-general", "changji-prefecture")
)
POOL = PoolingArea(
    id="changji-pool", name=NAME, regions=("652300",), facilities=("xinjiang-4th",), exemptions=("650000",)
)
AREA = RecognitionArea(id="changji-results", regions=("652300",), exemptions=("ambulance-120",))
CHANNEL = GreenChannel(id="park-channel", name=NAME, holder="wucaiwan-park-clinic", facility="jimsar-general")
WHOLE = ApplyDirectory(
    communities=COMMUNITIES,
    facilities=FACILITIES,
    alliances=(ALLIANCE,),
    pooling_areas=(POOL,),
    recognition_areas=(AREA,),
    green_channels=(CHANNEL,),
)


def credit_code(body: str) -> str:
    return body + credit_check_character(body)


_REGIONS = ("652327", "652325", "652300", "650000", "152221", "")
_WORDS = st.text("甲乙丙abc", min_size=1, max_size=4)
_NAMES = st.builds(BilingualText, zh=_WORDS, en=_WORDS)
_CAPABILITIES = st.lists(st.sampled_from(sorted(CAPABILITY_OF.values())), unique=True, max_size=4).map(tuple)


@st.composite
def directories(draw: st.DrawFn) -> ApplyDirectory:
    """Directories that may be applied: whatever is named is there."""
    ids = [f"f{number}" for number in range(draw(st.integers(1, 8)))]
    leads = draw(st.lists(st.sampled_from(ids), unique=True, max_size=3))
    names = [f"c{number}" for number in range(len(leads))]
    facilities = [_facility(draw, each, ids, dict(zip(leads, names, strict=True))) for each in ids]
    communities = tuple(
        Community(
            id=name,
            name=draw(_NAMES),
            county=draw(st.sampled_from(_REGIONS)),
            lead=lead,
            # Parents only ever stand before their children, so that there is no circle.
            parent=draw(st.sampled_from(["", *names[:number]])),
        )
        for number, (name, lead) in enumerate(zip(names, leads, strict=True))
    )
    regions = {each.region for each in facilities} | {each.county for each in communities}
    return ApplyDirectory(
        communities=communities,
        facilities=tuple(facilities),
        **_agreements(draw, ids, sorted(regions - {""})),
    )


def _facility(draw: st.DrawFn, key: str, ids: list[str], led: dict[str, str]) -> Facility:
    others = [each for each in ids if each != key]
    travel = draw(st.dictionaries(st.sampled_from(others), st.integers(0, 300), max_size=4)) if others else {}
    community = led.get(key) or draw(st.sampled_from(["", *led.values()]))
    licence = FacilityIdentifier(scheme=IdentifierScheme.LICENCE, value=f"{key.upper():0>22}")
    return Facility(
        id=key,
        name=draw(_NAMES),
        level=draw(st.sampled_from(FacilityLevel)),
        community=community,
        region=draw(st.sampled_from(_REGIONS)),
        capabilities=draw(_CAPABILITIES),
        travel_minutes=travel,
        identifiers=draw(st.sampled_from([(), (licence,)])),
    )


def _agreements(draw: st.DrawFn, ids: list[str], regions: list[str]) -> dict[str, Any]:
    some = st.lists(st.sampled_from(ids), unique=True, min_size=1, max_size=3).map(tuple)
    here = st.lists(st.sampled_from(regions), unique=True, max_size=2).map(tuple) if regions else st.just(())
    found: dict[str, Any] = {
        "recognition_areas": tuple(
            RecognitionArea(id=f"r{each}", regions=draw(here), facilities=draw(some))
            for each in range(draw(st.integers(0, 2)))
        ),
        "pooling_areas": tuple(
            PoolingArea(id=f"p{each}", facilities=(ids[each],), exemptions=draw(here))
            for each in range(draw(st.integers(0, min(2, len(ids)))))
        ),
        "green_channels": tuple(
            GreenChannel(id=f"g{each}", name=draw(_NAMES), holder="某校", facility=draw(st.sampled_from(ids)))
            for each in range(draw(st.integers(0, 2)))
        ),
    }
    if len(ids) > 1:
        members = st.lists(st.sampled_from(ids), unique=True, min_size=2, max_size=4).map(tuple)
        found["alliances"] = tuple(
            Alliance(
                id=f"a{each}",
                specialty=draw(st.sampled_from(["STROKE", "CRITICAL_MATERNAL", "ONCOLOGY"])),
                name=draw(_NAMES),
                members=draw(members),
            )
            for each in range(draw(st.integers(0, 2)))
        )
    return found
