"""Verdicts with their words: the values of a text go in by language."""

from collections.abc import Iterable

from services.referral.domain.directory_state import Directory
from services.referral.domain.norms_move import Verdict
from services.referral.domain.texts import filled
from services.shared.kernel.text import BilingualText


def worded(code: str, **values: str | BilingualText) -> BilingualText:
    """The text of a code. Raises KeyError when code or value is unknown."""
    zh = {key: each.zh if isinstance(each, BilingualText) else each for key, each in values.items()}
    en = {key: each.en if isinstance(each, BilingualText) else each for key, each in values.items()}
    return filled(code, zh, en)


def verdict(passed: bool, code: str, **values: str | BilingualText) -> Verdict:
    """A verdict with the text of a code."""
    return Verdict(passed=passed, text=worded(code, **values))


def name_of(directory: Directory, facility_id: str) -> BilingualText:
    """A facility's name; its id where the directory does not know it."""
    facility = directory.facility(facility_id)
    return BilingualText(zh=facility_id, en=facility_id) if facility is None else facility.name


def listed(texts: Iterable[BilingualText]) -> BilingualText:
    """Several texts as one, as each language lists them."""
    each = tuple(texts)
    return BilingualText(zh="、".join([one.zh for one in each]), en=", ".join([one.en for one in each]))
