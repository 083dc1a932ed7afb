"""What is written twice, as a program that stands alone cannot import it, is the same in both places."""

from datetime import timedelta

from services.operator.commands import serve
from services.operator.export import verify
from services.shared.audit.back_dating import BACK_DATING_TOLERANCE
from services.shared.lifecycle.settings import Part


def test_the_exported_verifier_tolerates_what_the_audit_tolerates() -> None:
    assert timedelta(microseconds=verify._TOLERANCE_NS // 1000) == BACK_DATING_TOLERANCE


def test_serve_knows_every_part_of_a_process() -> None:
    assert set(serve.PARTS) == {part.value for part in Part}
