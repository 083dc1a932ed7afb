"""What the norms say, in words."""

from dataclasses import replace

from services.referral.domain.norms_rules import RULES
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.texts import CODES
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.asking import request, rule

E, U, R = Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE


def test_the_refusal_says_which_one_is_nearer() -> None:
    found = rule(request("wucaiwan", E, Pathway.STROKE), "NEAREST_CAPABLE", "east-hospital")
    assert found.text == BilingualText(
        zh="急诊应就近：吉木萨尔县总医院车程95分钟，近于城东医院（110分钟）",
        en="an emergency goes to the nearest capable facility: Jimsar General, 95 min by road,"
        " not East Hospital (110 min)",
    )


def test_texts_name_the_facility_in_each_language() -> None:
    found = rule(request("wucaiwan", U, Pathway.STROKE), "CAPABILITY", "jimsar-general")
    assert found.text == BilingualText(
        zh="吉木萨尔县总医院设有卒中中心", en="Jimsar General has a stroke centre"
    )


def test_texts_say_why_a_norm_passes() -> None:
    asked = request("jimsar-general", R)
    waits = rule(asked, "APPROVAL", "changji-prefecture").text.en
    assert waits == "Changji Prefecture is out of the county: Jimsar General must approve it first"
    township = rule(request("wucaiwan", R), "APPROVAL", "qitai-people").text.en
    assert township == "Qitai People's is out of the county: Jimsar General must approve it first"
    after = rule(replace(asked, urgency=E), "APPROVAL", "changji-prefecture").text.en
    assert after.startswith("an emergency out of the county")
    goes_on = rule(replace(asked, continues=True), "APPROVAL", "changji-prefecture").text.en
    assert goes_on.startswith("out of the county to go on with a referral")
    filing = {
        "before departure": rule(asked, "INSURANCE_FILING", "xinjiang-4th"),
        "counts as filed": rule(replace(asked, urgency=E), "INSURANCE_FILING", "xinjiang-4th"),
        "no filing is needed": rule(asked, "INSURANCE_FILING", "changji-prefecture"),
        "exempts": rule(
            replace(asked, policy=ReferralPolicy(filing_exempt_regions=("65",))),
            "INSURANCE_FILING",
            "xinjiang-4th",
        ),
    }
    for words, found in filing.items():
        assert words in found.text.en
    home = rule(request("xinjiang-4th", R), "INSURANCE_FILING", "jimsar-general")
    assert "needs no filing" in home.text.en


def test_each_norm_has_a_text_for_each_verdict() -> None:
    codes = {code.partition(".")[0] for code in CODES if "." in code}
    assert codes == {each.code for each in RULES} | {"NEW_DESTINATION", "GREEN_CHANNEL"}
