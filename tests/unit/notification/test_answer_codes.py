"""The code of a link: every other text is none."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notification.domain.answer import (
    CODE_LENGTH,
    AnswerAction,
    AnswerLink,
    code_of,
    is_code_of,
    nonce_of,
)
from tests.unit.notification.answer_site import NAME, SECRET
from tests.unit.notification.scenario import HOSPITAL, NOW

LINK = AnswerLink(
    nonce=b"\x07" * 16,
    delivery="d-1",
    alert=NAME,
    recipient="dr-li",
    recipient_name="Li",
    facility=HOSPITAL,
    actions=(AnswerAction.ACKNOWLEDGE,),
    language="zh",
    expires_at=NOW,
)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, CODE_LENGTH - 1), mark=st.characters(min_codepoint=33, max_codepoint=126))
def test_a_code_with_one_other_character_is_no_code(place: int, mark: str) -> None:
    code = code_of(LINK, SECRET)
    other = code[:place] + mark + code[place + 1 :]
    if other != code:
        nonce = nonce_of(other)
        assert nonce != LINK.nonce or not is_code_of(other, LINK, SECRET)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_code_or_none_and_nothing_breaks(text: str) -> None:
    nonce = nonce_of(text)
    assert nonce is None or len(nonce) == 16


def test_another_key_makes_other_codes() -> None:
    assert not is_code_of(code_of(LINK, b"another key"), LINK, SECRET)
