"""The what-if program from its standard input to its standard output, over bytes as they are stored."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from services.referral.domain import commands as c
from services.referral.domain.directory import ApplyDirectory
from services.shared.protocodec import MessageCodec
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import COMMUNITIES, FACILITIES, START, WUCAIWAN
from tests.unit.referral.referral.stories import CREATE, ERROR, REASON
from tests.unit.referral.referral.what_if_stories import accepted, of_east
from tierlink.referral.v1 import directory_service_pb2 as pb

_APPLY: MessageCodec[ApplyDirectory, pb.ApplyDirectoryRequest] = MessageCodec(
    ApplyDirectory, pb.ApplyDirectoryRequest
)


def _order(command: ApplyDirectory, **fields: Any) -> str:
    data = _APPLY.to_message(command).SerializeToString()
    return json.dumps({"directory": base64.b64encode(data).decode(), **fields})


def _events(*charts: Chart) -> list[str]:
    return [
        json.dumps({"kind": "referral", "value": base64.b64encode(each).decode()})
        for chart in charts
        for each in chart.stored
    ]


def _run(*lines: str) -> tuple[int, str, str]:
    program = (sys.executable, "-m", "services.referral.composition.what_if")
    done = subprocess.run(
        program, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


EVERYBODY = ApplyDirectory(communities=COMMUNITIES, facilities=FACILITIES)


def test_in_whatever_order_events_come_and_however_often_the_answer_is_the_same() -> None:
    lines = _events(accepted(), of_east(c.DeclineReferral(reason=REASON), 2, 2))
    code, first, said = _run(_order(EVERYBODY), *lines)
    assert code == 0, said
    shuffled = [*lines, *lines]
    Random(7).shuffle(shuffled)
    assert _run(_order(EVERYBODY), *shuffled)[1] == first
    document = json.loads(first)
    assert document["difference"]["changed"] == 0
    assert document["facilities"]["jimsar-general"]["zh"] == "吉木萨尔县总医院"
    assert "patient-7" not in first, "no pseudonym leaves the program"


def test_what_is_incomplete_or_an_error_is_counted_and_left_out() -> None:
    whole, cut = accepted(), of_east(c.AcknowledgeOffer(), 1, 2)
    wrong = Chart(name="referrals/5d9f7c5e-0000-4000-8000-000000000003")
    wrong.when(CREATE, WUCAIWAN)
    wrong.when(ERROR, WUCAIWAN)
    lines = [*_events(whole), *_events(cut)[1:], *_events(wrong)]
    document = json.loads(_run(_order(EVERYBODY), *lines)[1])
    assert (document["incomplete"], document["in_error"]) == (1, 1)
    assert [each["name"] for each in document["comparisons"]] == [whole.name]


def test_only_requests_of_the_period_are_compared() -> None:
    lines = _events(accepted())
    later = (START + timedelta(minutes=1)).isoformat()
    for fields, count in (({"since": later}, 0), ({"until": later}, 1), ({"until": START.isoformat()}, 0)):
        document = json.loads(_run(_order(EVERYBODY, **fields), *lines)[1])
        assert len(document["comparisons"]) == count


def test_a_faulty_directory_or_policy_is_named(tmp_path: Path) -> None:
    community = replace(COMMUNITIES[0], lead="nowhere")
    code, out, said = _run(_order(replace(EVERYBODY, communities=(community, *COMMUNITIES[1:]))))
    assert (code, out) == (2, "")
    assert "nowhere" in said
    policy = tmp_path / "policy.yaml"
    policy.write_text("values: [{name: no_such_thing}]", "utf-8")
    code, out, said = _run(_order(EVERYBODY, policy=str(policy)))
    assert (code, out) == (2, "")
    assert "no_such_thing" in said
