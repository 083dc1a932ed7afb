"""What-if over the cases that come with Tierlink: the directory in force, and one facility closed."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.operator.casefile.packaged import PACKAGED
from tests.acceptance.processes import run, shell_beside_platform

pytestmark = pytest.mark.timeout(400)

_CASES = Path("services/operator/cases")
_DIRECTORIES = ("jimsar", "hutubi", "horqin", "jalaid")


@dataclass(frozen=True, kw_only=True)
class Played:
    """A platform on which every case was played."""

    environment: dict[str, str]
    folder: Path

    def directory(self, closed: str = "", lead: str = "") -> list[str]:
        """The directory files, with one facility closed; another one then leads its community."""
        files = []
        for name in _DIRECTORIES:
            document = yaml.safe_load((_CASES / f"{name}.yaml").read_text("utf-8"))
            kept = [each for each in document["facilities"] if each["id"] != closed]
            for each in kept:
                each.get("travel_minutes", {}).pop(closed, None)
            document["facilities"] = kept
            for each in document.get("communities", []):
                each["lead"] = lead if each["lead"] == closed else each["lead"]
            channels = document.get("green_channels", [])
            document["green_channels"] = [each for each in channels if each["facility"] != closed]
            path = self.folder / f"{name}-without-{closed or 'none'}.yaml"
            path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
            files.append(str(path))
        return files

    def what_if(self, *arguments: str) -> Any:
        done = run("what-if", *arguments, "--output", "json", environment=self.environment)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return json.loads(done.stdout)

    def records(self) -> str:
        """Everything that stands in the topics of events."""
        done = run("events", "show", "--output", "jsonl", "--max", "100000", environment=self.environment)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("what-if")
    with shell_beside_platform(folder) as environment:
        for name in PACKAGED:
            done = run("demo", "--case", name, "--output", "json", environment=environment)
            assert done.returncode == 0, f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        yield Played(environment=environment, folder=folder)


def test_under_the_directory_in_force_nothing_would_differ(played: Played) -> None:
    document = played.what_if(*played.directory())
    # J1's way up and back down, J2's; H1 and H2 moved nobody.
    assert document["difference"]["recorded"]["referrals"] == 3
    assert document["difference"]["changed"] == 0
    assert document["difference"]["recorded"] == document["difference"]["what_if"]
    assert (document["incomplete"], document["in_error"]) == (0, 0)
    assert played.what_if(*played.directory()) == document, "the same events, the same answer"


def test_with_the_county_hospital_closed_the_stroke_goes_to_the_prefecture(played: Played) -> None:
    document = played.what_if(*played.directory(closed="jimsar-general", lead="jimsar-town"))
    by_origin = {each["origin"]: each for each in document["comparisons"]}

    up = by_origin["wucaiwan"]
    assert up["recorded"]["accepted_by"] == "jimsar-general"
    assert up["recorded"]["door_in_door_out_s"] is not None
    assert up["left_out"] == [{"facility": "jimsar-general", "rules": ["NOT_IN_DIRECTORY"]}]
    assert up["what_if"]["accepted_by"] == "changji-prefecture"
    assert up["what_if"]["asked"][0]["basis"] != "RECORDED"
    assert "RANKING_ASKED" in up["assumptions"]
    # J2's way is another county's.
    pupil = by_origin["hutubi-school-2"]
    assert pupil["what_if"] == pupil["recorded"]
    # Who came back from there has no origin any more.
    assert document["difference"]["origin_gone"] == 1
    assert by_origin["jimsar-general"]["what_if"]["outcome"] == "ORIGIN_GONE"


def test_with_the_pupils_hospital_closed_she_goes_elsewhere_or_nowhere(played: Played) -> None:
    document = played.what_if(*played.directory(closed="hutubi-general", lead="hutubi-school-2"))
    by_origin = {each["origin"]: each for each in document["comparisons"]}
    pupil = by_origin["hutubi-school-2"]
    assert pupil["left_out"][0]["facility"] == "hutubi-general"
    assert pupil["recorded"]["accepted_by"] == "hutubi-general"
    assert pupil["what_if"]["accepted_by"] != "hutubi-general"
    assert by_origin["wucaiwan"]["what_if"] == by_origin["wucaiwan"]["recorded"]


def test_a_page_needs_nothing_but_itself_and_a_faulty_directory_is_named(played: Played) -> None:
    page, before = played.folder / "page.html", played.records()
    files = played.directory(closed="jimsar-general", lead="jimsar-town")
    done = run("what-if", *files, "--html", str(page), "--lang", "en", environment=played.environment)
    assert done.returncode == 0, done.stderr
    assert "1 would differ" in done.stdout
    written = page.read_text("utf-8")
    assert not re.search(r"https?://|<script|<link|<img|url\(", written)
    assert "昌吉州人民医院" in written
    assert "Changji Prefecture" in written
    again = run("what-if", *files, "--html", str(page), environment=played.environment)
    assert again.returncode == 2, "no page is replaced"

    faulty = played.directory(closed="jimsar-general", lead="nowhere")
    refused = run("what-if", *faulty, environment=played.environment)
    assert refused.returncode == 2
    assert "nowhere" in refused.stderr
    assert played.records() == before, "nothing was written"
