"""What is generated from the code and committed is what the code says now."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import stack_backends

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("program", ["deploy/generate_env_example.py", "deploy/generate_diagrams.py"])
def test_the_committed_files_are_what_is_generated(program: str) -> None:
    done = subprocess.run(
        [sys.executable, program, "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _described() -> dict[str, str]:
    """Defaults by variable, as `.env.example` has them."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    found = (re.fullmatch(r"#(TIERLINK_[A-Z0-9_]+)=(.*)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_every_variable_that_the_sources_name_is_described() -> None:
    known = {*_described(), "TIERLINK_TEST_STACK_HOST"}  # the last is set by the tests for their workers
    sources = [*(ROOT / "services").rglob("*.py"), *(ROOT / "tests").glob("stack*.py")]
    named = {
        name: path
        for path in sources
        for name in re.findall(r"TIERLINK_[A-Z0-9_]*[A-Z0-9]", path.read_text("utf-8"))
    }
    # `TIERLINK_TLS_…` in a comment means all that begin so.
    missing = [
        f"{name} in {path.relative_to(ROOT)}"
        for name, path in named.items()
        if name not in known and not any(each.startswith(f"{name}_") for each in known)
    ]
    assert missing == [], "describe them in deploy/generate_env_example.py"


def test_the_images_of_the_tests_are_the_ones_described() -> None:
    described = _described()
    assert described["TIERLINK_TEST_KAFKA_IMAGE"] == stack_backends._KAFKA_IMAGE
    assert described["TIERLINK_TEST_POSTGRES_IMAGE"] == stack_backends._POSTGRES_IMAGE
