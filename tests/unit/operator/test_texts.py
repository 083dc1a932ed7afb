"""The catalogue has every text that is asked for, in both languages, with the same values."""

import re
from pathlib import Path
from string import Formatter

import pytest
from aiokafka.errors import KafkaConnectionError

import services.operator
from services.operator.texts import Language, catalogue, say, shown, text
from services.shared.kernel.refusals import DependencyDown, DiskFull
from services.shared.kernel.text import BilingualText
from services.shared.refolding.program import _IMPOSSIBLE, _why
from tierlink.referral.v1 import episode_pb2

SOURCE = Path(services.operator.__file__).parent


def _placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_both_languages_take_the_same_values() -> None:
    for key, pair in catalogue().items():
        assert pair.zh and pair.en, key
        assert _placeholders(pair.zh) == _placeholders(pair.en), key


def test_every_key_in_the_code_is_in_the_catalogue() -> None:
    asked = re.compile(r'\b(?:say|text|under_way|_table)\(\s*"([a-z_]+\.[A-Za-z_]+)"')
    keys = {
        key
        for path in SOURCE.rglob("*.py")
        if "bench" not in path.relative_to(SOURCE).parts
        for key in asked.findall(path.read_text("utf-8"))
    }
    assert len(keys) > 30
    assert keys <= set(catalogue())


def test_whatever_ends_a_verification_has_its_words() -> None:
    errors = (
        *(kind() if kind is DiskFull else kind("x") for kind in _IMPOSSIBLE),
        DependencyDown("kafka", "x"),
        DependencyDown("postgresql", "x"),
        KafkaConnectionError("x"),
    )
    codes = {_why(error) for error in errors}
    assert codes == {*_IMPOSSIBLE.values(), "KAFKA_AWAY", "POSTGRESQL_AWAY"}
    for code in codes:
        assert re.search(r"--|继续", text(f"state.cannot.{code}", reason="x").zh), "what to do"


def test_every_milestone_has_its_words() -> None:
    for name in episode_pb2.MilestoneKind.keys():  # noqa: SIM118 - an enum wrapper is no mapping
        assert f"milestone.{name.removeprefix('MILESTONE_KIND_')}" in catalogue()


@pytest.mark.parametrize(
    ("language", "expected"),
    [(Language.ZH, "中"), (Language.EN, "e"), (Language.BOTH, "中 · e")],
)
def test_a_pair_is_shown_in_the_chosen_language(language: Language, expected: str) -> None:
    assert shown(BilingualText(zh="中", en="e"), language) == expected


def test_what_is_the_same_in_both_languages_is_shown_once() -> None:
    assert shown(BilingualText(zh="J1", en="J1"), Language.BOTH) == "J1"


def test_what_one_language_lacks_is_shown_in_the_other() -> None:
    assert shown(BilingualText(zh="", en="e"), Language.ZH) == "e"


def test_a_bilingual_value_goes_in_by_language() -> None:
    facility = BilingualText(zh="分院", en="Branch")
    assert text("plain", text=facility) == facility
    assert say("plain", Language.EN, text=facility) == "Branch"
