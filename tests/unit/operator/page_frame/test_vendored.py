"""What others wrote lies in the pages unaltered, with its licence, and goes with the wheel."""

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import services.operator
from services.operator.replay_page.page import SCRIPTS

OPERATOR = Path(services.operator.__file__).parent
VENDOR = OPERATOR / "page_frame/vendor"
STATIC = [OPERATOR / f"{each}/static" for each in ("page_frame", "replay_page", "bench/page")]


def test_the_files_are_those_of_the_sums() -> None:
    sums = {
        name: digest
        for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", (VENDOR / "README.md").read_text(), re.M)
    }
    assert set(sums) == {each.name for each in VENDOR.iterdir()} - {"README.md"}
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_the_version_is_the_one_that_is_named() -> None:
    version = re.search(r"# uPlot ([\d.]+)", (VENDOR / "README.md").read_text())
    assert version is not None
    assert f"(v{version[1]})" in (VENDOR / "uPlot.iife.min.js").read_text("utf-8")[:200]
    assert "MIT License" in (VENDOR / "LICENSE").read_text()


def test_what_the_pages_are_made_of_is_packaged() -> None:
    wheel = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "services" in wheel["packages"]
    # A wheel has what is not ignored.
    made_of = [*VENDOR.iterdir(), *(each for folder in STATIC for each in folder.iterdir())]
    assert {OPERATOR / "replay_page/static" / name for name in SCRIPTS} <= set(made_of)
    ignored = subprocess.run(["git", "check-ignore", *map(str, made_of)], capture_output=True, check=False)
    assert ignored.returncode == 1, ignored.stdout
