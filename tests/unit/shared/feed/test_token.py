"""Tokens come back as they were given, and anything else is refused by name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.feed.token import decode_shown, decode_token, encode_token, mark
from services.shared.kernel.refusals import InvalidInput

_POSITIONS = st.dictionaries(st.integers(0, 200), st.integers(0, 2**63 - 1), max_size=30)


@settings(deadline=None)
@given(_POSITIONS)
def test_a_token_comes_back_as_it_was_given(positions: dict[int, int]) -> None:
    token = encode_token("t", positions)
    assert decode_token("t", token) == positions
    assert token.replace("-", "").replace("_", "").isalnum()


@settings(deadline=None)
@given(_POSITIONS, st.dictionaries(st.text(max_size=60).map(mark), st.integers(1, 2**40), max_size=64))
def test_what_its_reader_was_shown_comes_back_with_it(
    positions: dict[int, int], shown: dict[str, int]
) -> None:
    token = encode_token("t", positions, shown)
    assert (decode_token("t", token), decode_shown("t", token)) == (positions, shown)
    assert decode_shown("t", encode_token("t", positions)) == {}


def test_a_full_token_is_one_that_a_call_may_have() -> None:
    positions = dict.fromkeys(range(24), 10**9)
    token = encode_token("t", positions, {mark(str(each)): 10_000 for each in range(64)})
    assert len(token) <= 4_096


@settings(deadline=None)
@given(_POSITIONS, st.data())
def test_a_changed_token_is_refused(positions: dict[int, int], data: st.DataObject) -> None:
    token = encode_token("t", positions)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AB09-_").filter(lambda letter: letter != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    try:
        assert decode_token("t", changed) == positions  # spare bits of the last letter carry nothing
    except InvalidInput as refusal:
        (violation,) = refusal.violations
        assert violation.field == "resume_token"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_nothing_else_breaks_the_reader(token: str) -> None:
    with pytest.raises(InvalidInput):
        decode_token("t", token)


def test_a_token_of_another_topic_is_refused() -> None:
    with pytest.raises(InvalidInput):
        decode_token("other", encode_token("t", {0: 1}))
