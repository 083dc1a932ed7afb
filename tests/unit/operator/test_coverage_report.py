"""`tierlink roster coverage`: the service's names, the site's clock."""

import pytest

from services.operator.report.rosters import print_coverage
from services.operator.texts import Language
from tierlink.notification.v1 import roster_service_pb2
from tierlink.type.v1 import type_pb2

#: 2026-01-05 16:30 in UTC.
STARTS_AT, ENDS_AT = 1767630600, 1767652200


def coverage(offset_minutes: int) -> roster_service_pb2.GetCoverageResponse:
    post = {"role": "STROKE", "step": "duty", "pathway": "PATHWAY_STROKE", "seat": 2}
    gap = {"post": post, "starts_at": {"seconds": STARTS_AT}, "ends_at": {"seconds": ENDS_AT}}
    return roster_service_pb2.GetCoverageResponse(
        gaps=[gap],
        single_points=[{"kind": "WEAK_SPOT_NO_BACKUP", "user": "dr-li", "roles": ["STROKE", "own-role"]}],
        utc_offset_minutes=offset_minutes,
        role_names={"STROKE": type_pb2.BilingualText(zh="卒中中心", en="stroke centre")},
        step_names={"duty": type_pb2.BilingualText(zh="一线值班", en="on duty")},
        pathway_names={"STROKE": type_pb2.BilingualText(zh="卒中", en="stroke")},
    )


@pytest.mark.parametrize(
    ("language", "post"),
    [(Language.ZH, "卒中中心 / 卒中 / 一线值班 / 2"), (Language.EN, "stroke centre / stroke / on duty / 2")],
)
def test_posts_have_the_service_s_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, language: Language, post: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_coverage(coverage(480), language)
    printed = capsys.readouterr().out
    assert post in printed
    # A role that the service has no name for is shown as it is.
    assert "own-role" in printed


@pytest.mark.parametrize(
    ("offset_minutes", "begins", "clock"),
    [
        (480, "2026-01-06 00:30", "UTC+08:00"),
        (360, "2026-01-05 22:30", "UTC+06:00"),
        (-210, "2026-01-05 13:00", "UTC-03:30"),
    ],
)
def test_times_are_by_the_site_s_clock(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    offset_minutes: int,
    begins: str,
    clock: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_coverage(coverage(offset_minutes), Language.EN)
    printed = capsys.readouterr().out
    assert begins in printed
    assert clock in printed
