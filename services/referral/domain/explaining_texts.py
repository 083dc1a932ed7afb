"""What an explanation says of the alerts to come: by code, in both languages."""

from services.shared.kernel.text import BilingualText


def _pair(zh: str, en: str) -> BilingualText:
    return BilingualText(zh=zh, en=en)


_CATALOGUE = {
    "APPROVAL": _pair(
        "转往县外，须先经{facility}转诊办审批（{within}内有效）",
        "out of the county: {facility}'s referral office is asked to approve it, within {within}",
    ),
    "OFFER": _pair(
        "向{facility}发出转诊申请，{within}内签收", "{facility} is asked, and acknowledges within {within}"
    ),
    "OVERDUE": _pair(
        "{within}内未签收，再次提醒{facility}", "not acknowledged within {within}: {facility} is called again"
    ),
    "LAPSED": _pair(
        "{within}内未答复，申请失效；如无下一家，由{facility}改派",
        "no decision within {within}: the offer lapses, and if nobody is next {facility} re-routes",
    ),
    "REVIEW": _pair(
        "转往县外，接收后{within}内由{facility}转诊办补审",
        "out of the county: {facility}'s referral office reviews it within {within} of the acceptance",
    ),
}

CODES = frozenset(_CATALOGUE)


def filled(code: str, facility: BilingualText, within: BilingualText) -> BilingualText:
    """The text of a code. Raises KeyError for an unknown one."""
    template = _CATALOGUE[code]
    return BilingualText(
        zh=template.zh.format(facility=facility.zh, within=within.zh),
        en=template.en.format(facility=facility.en, within=within.en),
    )
