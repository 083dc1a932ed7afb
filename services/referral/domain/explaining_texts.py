"""What an explanation says of the alerts to come: by code, in both languages."""

from services.shared.kernel.text import BilingualText

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


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
}

CODES = frozenset(_CATALOGUE)


def filled(code: str, facility: BilingualText, within: BilingualText) -> BilingualText:
    """The text of a code. Raises KeyError for an unknown one."""
    template = _CATALOGUE[code]
    return BilingualText(
        zh=template.zh.format(facility=facility.zh, within=within.zh),
        en=template.en.format(facility=facility.en, within=within.en),
    )


def span(seconds: int) -> BilingualText:
    """A time limit in the largest unit that it is a whole number of: 2 min, 24 h, 7 days."""
    if seconds >= 2 * _DAY_S and seconds % _DAY_S == 0:
        days = seconds // _DAY_S
        return _pair(f"{days}天", f"{days} days")
    if seconds >= _HOUR_S and seconds % _HOUR_S == 0:
        return _pair(f"{seconds // _HOUR_S}小时", f"{seconds // _HOUR_S} h")
    if seconds >= _MINUTE_S and seconds % _MINUTE_S == 0:
        return _pair(f"{seconds // _MINUTE_S}分钟", f"{seconds // _MINUTE_S} min")
    return _pair(f"{seconds}秒", f"{seconds} s")
