"""The networks of the field cases, applied from their files through the real service, and read back."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
import yaml
from google.protobuf import json_format
from typer.testing import CliRunner

from services.embedded.databases import drop_database
from services.operator.casefile.directory import read_directories
from services.operator.casefile.packaged import CASES_FOLDER
from services.operator.main import app
from services.shared.kernel.actor import Role
from services.shared.rpc.signing import write_key_files
from tests.integration.hospital import Hospital, new_id, referral_service
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.referral.v1 import directory_service_pb2 as pb
from tierlink.referral.v1 import directory_service_pb2_grpc

JIMSAR, HORQIN = CASES_FOLDER / "jimsar.yaml", CASES_FOLDER / "horqin.yaml"
AGREEMENTS = """
alliances:
  - {id: stroke, specialty: STROKE, name: {zh: 卒中联盟, en: Stroke}, members: [wucaiwan, changji-prefecture]}
pooling_areas:
  - {id: changji, name: {zh: 昌吉州, en: Changji}, regions: ["652300"], exemptions: ["650000"]}
recognition_areas:
  - {id: changji-results, regions: ["652300"]}
green_channels:
  - {id: park, name: {zh: 园区, en: Park}, holder: wucaiwan-park-clinic, facility: jimsar-general}
"""

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Console:
    """The `tierlink` program against one service."""

    def __init__(self, hospital: Hospital, address: str, key: Path) -> None:
        self.hospital = hospital
        self._environment = {"TIERLINK_REFERRAL_ADDRESS": address, "TIERLINK_SIGNING_KEY": str(key)}

    async def run(self, *words: str | Path) -> Any:
        """Its result; the program has an event loop of its own."""
        arguments = [str(word) for word in words]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=self._environment)

    async def changes(self, *words: str | Path) -> list[tuple[str, str, str]]:
        """Action, kind and id of each change."""
        result = await self.run(*words, "--output", "json")
        return [(each["action"], each["kind"], each["id"]) for each in json.loads(result.stdout)["changes"]]

    async def read(self) -> dict[str, dict[str, Any]]:
        """Every list of the directory, page by page, as plain fields by id."""
        stub = directory_service_pb2_grpc.DirectoryServiceStub(self.hospital.channel)
        metadata = self.hospital.as_("", Role.OPERATOR)
        found: dict[str, dict[str, Any]] = {}
        for field, name in LISTS.items():
            found[field], token = {}, ""
            while token or not found[field]:
                request = getattr(pb, f"List{name}Request")(page_size=7, page_token=token)
                answer = await getattr(stub, f"List{name}")(request, metadata=metadata)
                found[field] |= {each.id: plain(each) for each in getattr(answer, field)}
                token = answer.next_page_token
                if not token:
                    break
        return found


LISTS = {
    "communities": "Communities",
    "facilities": "Facilities",
    "alliances": "Alliances",
    "pooling_areas": "PoolingAreas",
    "recognition_areas": "RecognitionAreas",
    "green_channels": "GreenChannels",
}


def plain(message: Any) -> dict[str, Any]:
    found = json_format.MessageToDict(message, preserving_proto_field_name=True)
    if "level" in found:
        found["level"] = found["level"].removeprefix("FACILITY_LEVEL_")
    return found


def wanted(*paths: Path) -> dict[str, dict[str, Any]]:
    """What the files say, without what is empty."""
    fields: Mapping[str, list[dict[str, Any]]] = read_directories(paths).fields()
    return {
        field: {
            each["id"]: {key: value for key, value in each.items() if value or value == 0} for each in entries
        }
        for field, entries in fields.items()
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    dsn = await stack.create_database(f"directory_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("referral")
    async with referral_service(folder, dsn=dsn) as (hospital, process):
        key = write_key_files(hospital.key, folder / "operator").private_key
        yield Console(hospital, process.ready.grpc, key)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def test_both_networks_are_applied_and_read_back(console: Console) -> None:
    for files in ((JIMSAR,), (HORQIN,), (JIMSAR, HORQIN)):
        assert (await console.run("directory", "diff", *files)).exit_code == 1
        applied = await console.run("directory", "apply", *files)
        assert applied.exit_code == 0, applied.output
        assert await console.read() == wanted(*files)
        assert (await console.run("directory", "diff", *files)).exit_code == 0
        assert await console.changes("directory", "apply", *files) == []
    assert len((await console.read())["facilities"]) == 31


async def test_a_dry_run_says_what_would_change_and_changes_nothing(console: Console, tmp_path: Path) -> None:
    assert (await console.run("directory", "apply", JIMSAR)).exit_code == 0
    before = await console.read()
    site = tmp_path / "site.yaml"
    content = JIMSAR.read_text("utf-8").replace("95}   # 120 km", "90}   # 120 km")
    site.write_text(content + AGREEMENTS, "utf-8")
    expected = [
        ("CHANGED", "FACILITY", "wucaiwan"),
        ("ADDED", "ALLIANCE", "stroke"),
        ("ADDED", "POOLING_AREA", "changji"),
        ("ADDED", "RECOGNITION_AREA", "changji-results"),
        ("ADDED", "GREEN_CHANNEL", "park"),
    ]
    assert await console.changes("directory", "apply", site, "--dry-run") == expected
    assert await console.changes("directory", "diff", site) == expected
    printed = (await console.run("directory", "diff", site, "--lang", "zh")).stdout
    assert "travel_minutes[jimsar-general]: 95 → 90" in printed
    assert "绿色通道" in printed
    assert "\x1b[" not in printed
    assert await console.read() == before
    assert await console.changes("directory", "apply", site) == expected
    assert await console.read() == wanted(site)


async def test_what_only_the_service_can_tell_is_named_at_its_line_too(
    console: Console, tmp_path: Path
) -> None:
    """A credit code has a check character, and an id a length."""
    before = await console.read()
    content = yaml.safe_load(HORQIN.read_text("utf-8"))
    content["facilities"][1]["identifiers"] = [{"scheme": "CREDIT_CODE", "value": "12152221460123456X"}]
    site = tmp_path / "site.yaml"
    site.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    line = 1 + site.read_text("utf-8").splitlines().index("    value: 12152221460123456X")
    result = await console.run("directory", "apply", site)
    assert result.exit_code == 2
    assert f"{site}:{line}:12: facilities[1].identifiers[0].value" in result.stderr
    assert await console.read() == before


async def test_a_broken_file_reaches_nobody(console: Console, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(HORQIN.read_text("utf-8").replace("lead: horqin-people", "lead: nobody"), "utf-8")
    for command in ("apply", "diff"):
        result = await console.run("directory", command, site)
        assert result.exit_code == 2
        assert f"{site}:7:11: lead nobody is not in the directory" in result.stderr


async def test_every_violation_of_a_request_is_told_at_once(console: Console) -> None:
    stub = directory_service_pb2_grpc.DirectoryServiceStub(console.hospital.channel)
    request = json_format.ParseDict(
        {
            "request_id": new_id(),
            "communities": [{"id": "c", "name": {"zh": "甲", "en": "C"}, "lead": "x", "parent": "c"}],
            "facilities": [
                {
                    "id": "f",
                    "name": {"zh": "乙", "en": "F"},
                    "level": "FACILITY_LEVEL_COUNTY",
                    "community": "d",
                }
            ],
            "pooling_areas": [{"id": "p", "regions": ["110000"]}],
            "green_channels": [
                {"id": "g", "name": {"zh": "丙", "en": "G"}, "holder": "学校", "facility": "nobody"}
            ],
        },
        pb.ApplyDirectoryRequest(),
    )
    found = await refused(
        stub.ApplyDirectory(request, metadata=console.hospital.as_("", Role.OPERATOR)),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    assert [each.field for each in found["BadRequest"].field_violations] == [
        "communities[0].lead",
        "communities[0].parent",
        "facilities[0].community",
        "pooling_areas[0].regions[0]",
        "green_channels[0].facility",
    ]
