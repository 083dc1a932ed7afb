"""The norms where facilities agreed on something: groups, alliances, pooling areas, green channels."""

from dataclasses import replace
from typing import Any

import pytest

from services.referral.domain.directory_entries import Alliance, GreenChannel, PoolingArea
from services.referral.domain.directory_state import Community, Directory
from services.referral.domain.norms import Request, assess, failed_rules
from services.referral.domain.norms_channel import channel_faults
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import NormOverride
from services.referral.domain.values import Pathway, Scope, Urgency
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.asking import assessment, passes, request, rule
from tests.unit.referral.referral.network import COMMUNITIES, DIRECTORY
from tests.unit.referral.referral.stories import REASON

E, U, R = Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE
CITY, COUNTY, BRANCH = "changji-prefecture", "jimsar-general", "wucaiwan"
NAME = BilingualText(zh="某某", en="Such")

ALLIANCE = Alliance(
    id="surgery", specialty="DAY_SURGERY", name=BilingualText(zh="日间手术联盟", en="Day Surgery"),
    members=(BRANCH, CITY),
)  # fmt: skip
CHANNEL = GreenChannel(
    id="school", name=BilingualText(zh="二小通道", en="School"), holder="第二小学", facility=CITY
)
CLINIC_CHANNEL = replace(CHANNEL, id="park", holder="wucaiwan-park-clinic", facility=COUNTY)


def site(**values: Any) -> Directory:
    return replace(DIRECTORY, **values)


def allied(alliance: Alliance) -> Directory:
    return site(alliances={alliance.id: alliance})


def pooled(*areas: PoolingArea) -> Directory:
    return site(pooling_areas={each.id: each for each in areas})


def through(channel: GreenChannel, asked: Request) -> Request:
    directory = replace(asked.directory, green_channels={channel.id: channel})
    return replace(asked, directory=directory, green_channel=channel.id)


# ---- LEVEL_BY_LEVEL


@pytest.mark.parametrize(
    ("alliance", "pathway", "passed"),
    [
        (ALLIANCE, Pathway.DAY_SURGERY, True),
        (ALLIANCE, Pathway.TRAUMA, False),
        (ALLIANCE, Pathway.GENERAL, False),
        (replace(ALLIANCE, members=(COUNTY, CITY)), Pathway.DAY_SURGERY, False),
        (replace(ALLIANCE, specialty="CRITICAL_MATERNAL"), Pathway.MATERNAL, True),
        (replace(ALLIANCE, specialty="MATERNAL"), Pathway.MATERNAL, True),
        (replace(ALLIANCE, specialty="GENERAL"), Pathway.GENERAL, True),
        (replace(ALLIANCE, specialty="ONCOLOGY"), Pathway.GENERAL, False),
    ],
)
def test_members_of_an_alliance_refer_directly(alliance: Alliance, pathway: Pathway, passed: bool) -> None:
    asked = request(BRANCH, R, pathway, directory=allied(alliance))
    found = rule(asked, "LEVEL_BY_LEVEL", CITY)
    assert found.passed == passed
    assert ("日间手术联盟" in found.text.zh) == passed


def test_the_lead_of_a_group_above_the_community_may_be_asked_at_once() -> None:
    group = Community(id="group", name=NAME, lead=CITY)
    jimsar = replace(COMMUNITIES[0], parent="group")
    above = site(communities={**DIRECTORY.communities, "group": group, "jimsar-mc": jimsar})
    assert not passes(request(BRANCH, R), "LEVEL_BY_LEVEL", CITY)
    found = rule(request(BRANCH, R, directory=above), "LEVEL_BY_LEVEL", CITY)
    assert found.passed
    assert "Changji Prefecture leads" in found.text.en
    assert not passes(request(BRANCH, R, directory=above), "LEVEL_BY_LEVEL", "xinjiang-4th")


def test_a_refusal_names_both_ends_and_the_level_to_ask() -> None:
    found = rule(request(BRANCH, R), "LEVEL_BY_LEVEL", CITY)
    assert found.text == BilingualText(
        zh="常规上转应逐级：五彩湾镇分院（乡镇（社区）级）应先转往县级机构，不应越级转往昌吉州人民医院（市级）",
        en="a routine referral climbs one level at a time: from Wucaiwan (township) to a county facility,"
        " not to Changji Prefecture (city)",
    )


# ---- APPROVAL


@pytest.mark.parametrize(
    ("scopes", "waits"),
    [
        (frozenset({Scope.OUT_OF_COUNTY}), (False, True)),
        (frozenset(), (False, False)),
        (frozenset({Scope.BETWEEN_COMMUNITIES}), (True, False)),
        (frozenset(Scope), (True, True)),
    ],
)
def test_the_site_says_which_moves_need_approval(scopes: frozenset[Scope], waits: tuple[bool, bool]) -> None:
    asked = request(COUNTY, U, policy=ReferralPolicy(approval_scopes=scopes))
    found = tuple(assessment(asked, each).needs_approval for each in ("east-hospital", CITY))
    assert found == waits


def test_the_time_for_a_review_is_the_sites() -> None:
    asked = request(COUNTY, E, Pathway.TRAUMA, policy=ReferralPolicy(approval_review_s=24 * 3600))
    assert "24小时内由吉木萨尔县总医院补审" in rule(asked, "APPROVAL", CITY).text.zh


# ---- INSURANCE_FILING

CHANGJI = PoolingArea(id="changji", name=BilingualText(zh="昌吉州", en="Changji"), regions=("652300",))
PROVINCE = PoolingArea(id="province", facilities=("xinjiang-4th",))
OWN = PoolingArea(id="jimsar-alone", regions=("652327",))


@pytest.mark.parametrize(
    ("areas", "destination", "needed", "words"),
    [
        ((CHANGJI,), "qitai-people", False, "both are in the pooling area Changji"),
        ((CHANGJI,), "xinjiang-4th", True, "(Changji → region 650000)"),
        ((CHANGJI, PROVINCE), "xinjiang-4th", True, "(Changji → province)"),
        ((replace(CHANGJI, exemptions=("province",)), PROVINCE), "xinjiang-4th", False, "(province) exempts"),
        ((replace(CHANGJI, exemptions=("650000",)),), "xinjiang-4th", False, "(650000) exempts"),
        ((replace(CHANGJI, exemptions=("xinjiang-4th",)),), "xinjiang-4th", False, "exempts"),
        ((CHANGJI, replace(PROVINCE, exemptions=("changji",))), "xinjiang-4th", True, "filing number"),
        ((replace(CHANGJI, facilities=("xinjiang-4th",)),), "xinjiang-4th", False, "both are in"),
        ((CHANGJI, OWN), "qitai-people", True, "(jimsar-alone → Changji)"),
        ((CHANGJI, OWN), BRANCH, False, "way back down"),
        ((PROVINCE,), "qitai-people", False, "one pooling area"),
        ((PROVINCE,), "xinjiang-4th", True, "(region 652327 → province)"),
    ],
)
def test_filing_follows_the_pooling_areas(
    areas: tuple[PoolingArea, ...], destination: str, needed: bool, words: str
) -> None:
    asked = request(COUNTY, U, directory=pooled(*areas))
    assert assessment(asked, destination).insurance_filing_needed == needed
    found = rule(asked, "INSURANCE_FILING", destination)
    assert (found.passed, found.overridable) == (True, False)
    assert words in found.text.en
    emergency = replace(asked, urgency=E)
    assert not assessment(emergency, destination).insurance_filing_needed


def test_a_facility_of_no_region_and_no_area_asks_for_nothing() -> None:
    nowhere = replace(DIRECTORY.facilities["xinjiang-4th"], region="")
    directory = replace(pooled(CHANGJI), facilities={**DIRECTORY.facilities, "xinjiang-4th": nowhere})
    assert not assessment(request(COUNTY, U, directory=directory), "xinjiang-4th").insurance_filing_needed


# ---- GREEN_CHANNEL


def test_a_green_channel_skips_levels_queue_and_deposit() -> None:
    asked = through(CHANNEL, request(BRANCH, R))
    without = assessment(replace(asked, green_channel=""), CITY)
    assert (without.allowed, without.needs_approval, without.skips) == (False, True, ())
    found = assessment(asked, CITY)
    assert (found.allowed, found.needs_approval, found.approval_in_retrospect) == (True, False, True)
    assert found.skips == ("LEVEL_BY_LEVEL", "APPROVAL_QUEUE", "DEPOSIT")
    assert rule(asked, "GREEN_CHANNEL", CITY).text.zh == (
        "凭绿色通道“二小通道”转往昌吉州人民医院，免：逐级转诊、审批排队（事后补审）、预交金；"
        "专科能力、就近、知情同意等临床要求不变"
    )
    assert "School" in rule(asked, "LEVEL_BY_LEVEL", CITY).text.en
    assert "School" in rule(asked, "APPROVAL", CITY).text.en


def test_what_would_not_have_stood_in_the_way_is_not_said_to_be_skipped() -> None:
    asked = through(CLINIC_CHANNEL, request("wucaiwan-park-clinic", U))
    assert assessment(asked, COUNTY).skips == ("DEPOSIT",)
    assert "免：预交金；" in rule(asked, "GREEN_CHANNEL", COUNTY).text.zh


@pytest.mark.parametrize(
    ("channel", "origin", "destinations", "passed", "words"),
    [
        (CHANNEL, BRANCH, (CITY,), True, "opens Changji Prefecture and skips"),
        (CHANNEL, BRANCH, (COUNTY,), False, "not Jimsar General"),
        (CHANNEL, BRANCH, (CITY, COUNTY), True, "nothing is skipped on the way to Jimsar General"),
        (CLINIC_CHANNEL, "wucaiwan-park-clinic", (COUNTY,), True, "opens Jimsar General"),
        (CLINIC_CHANNEL, BRANCH, (COUNTY,), False, "held by Park Clinic: Wucaiwan cannot use it"),
        (CLINIC_CHANNEL, BRANCH, (CITY, COUNTY), False, "held by Park Clinic"),
        (replace(CLINIC_CHANNEL, holder_name=NAME), BRANCH, (COUNTY,), False, "held by Such"),
    ],
)
def test_a_green_channel_fits_its_holder_and_its_facility(
    channel: GreenChannel, origin: str, destinations: tuple[str, ...], passed: bool, words: str
) -> None:
    found = rule(through(channel, request(origin, U)), "GREEN_CHANNEL", *destinations)
    assert (found.passed, found.overridable) == (passed, False)
    assert words in found.text.en


def test_a_channel_that_does_not_fit_skips_nothing() -> None:
    found = assessment(through(CHANNEL, request(BRANCH, R)), "xinjiang-4th")
    assert (found.skips, found.needs_approval, found.allowed) == ((), True, False)
    held = assessment(through(replace(CHANNEL, holder=COUNTY), request(BRANCH, R)), CITY)
    assert (held.skips, held.needs_approval, held.allowed) == ((), True, False)


def test_a_re_routed_referral_is_not_held_up_by_a_channel_that_leads_elsewhere() -> None:
    asked = through(CHANNEL, request(BRANCH, U, asked_before=(CITY,)))
    assert passes(asked, "GREEN_CHANNEL", COUNTY)
    assert assessment(asked, COUNTY).skips == ()


def test_without_a_channel_the_rule_is_not_asked() -> None:
    assert len(assessment(request(BRANCH, R), CITY).norms) == 8
    gone = request(BRANCH, R, green_channel="gone")
    assert len(assessment(gone, CITY).norms) == 8
    assert [each.reason for each in channel_faults(DIRECTORY, "gone")] == ["UNKNOWN_GREEN_CHANNEL"]
    assert channel_faults(DIRECTORY, "") == []


# ---- overrides


@pytest.mark.parametrize(
    ("code", "asked", "destination", "may_be_overridden"),
    [
        ("LEVEL_BY_LEVEL", request(BRANCH, R), CITY, True),
        ("CAPABILITY", request(BRANCH, U, Pathway.STROKE), "jimsar-town", True),
        ("NEAREST_CAPABLE", request(BRANCH, E, Pathway.STROKE), "east-hospital", True),
        ("APPROVAL", request(COUNTY, U, approved=False, asked_before=()), CITY, False),
        ("DOWN_READY", request(COUNTY, R), BRANCH, False),
        ("CONSENT", request(BRANCH, U, consent=None), COUNTY, False),
        ("ONE_LIVE", request(BRANCH, U, live_referrals=("referrals/1",)), COUNTY, False),
        ("NEW_DESTINATION", request(BRANCH, U, asked_before=(COUNTY,)), COUNTY, True),
        ("GREEN_CHANNEL", through(CHANNEL, request(BRANCH, U)), COUNTY, False),
    ],
)
def test_a_coded_reason_stands_against_a_norm_only_where_the_norm_says_so(
    code: str, asked: Request, destination: str, may_be_overridden: bool
) -> None:
    facility = [asked.directory.facilities[destination]]
    assert code in [each.code for each in failed_rules(assess(asked, facility))]
    argued = replace(asked, overrides=(NormOverride(rule=code, reason=REASON),))
    found = rule(argued, code, destination)
    assert (found.passed, found.overridable) == (False, may_be_overridden)
    assert found.override == (REASON if may_be_overridden else None)
    assert (code not in [each.code for each in failed_rules(assess(argued, facility))]) == may_be_overridden


def test_a_norm_that_passes_takes_no_override() -> None:
    argued = request(BRANCH, U, overrides=(NormOverride(rule="CAPABILITY", reason=REASON),))
    assert rule(argued, "CAPABILITY", COUNTY).override is None
