"""The protos: gen/ is made from them, style and compatibility hold, and what they promise is served."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import EnumDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor
from prometheus_client import CollectorRegistry

from services.bed import main as bed
from services.bed.settings import BedSettings
from services.notification import main as notification
from services.notification.settings import NotificationSettings
from services.referral import main as referral
from services.referral.settings import ReferralSettings
from services.shared.lifecycle.process import Assembly
from services.shared.rpc.admission import Admission
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.rpc_metrics import RpcMetrics

ROOT = Path(__file__).resolve().parents[2]
BUF = Path(sys.executable).with_name("buf")

#: The names that the outside counts on. There may be more; none of these may go or be renamed.
PROMISED: dict[str, str] = {
    "tierlink.referral.v1.ReferralService": """
        CreateReferral ExplainReferral GetReferral ListReferrals WatchReferrals GetTimeline VerifyTimeline
        ApproveReferral RefuseApproval AcknowledgeOffer RequestInformation ProvideInformation AcceptReferral
        DeclineReferral RerouteReferral WithdrawAcceptance ArrangeTransport DepartPatient DivertPatient
        ReportArrival ReportNoShow StartTreatment CompleteTreatment ReferBack RecordFollowUp CloseReferral
        CancelReferral ConfirmCancellation RecordDeath MarkEnteredInError ReviewReferral""",
    "tierlink.referral.v1.ConsultationService": """
        RequestConsultation ClaimConsultation ReleaseClaim ReturnConsultation ResubmitConsultation
        ReportConsultation AmendReport CancelConsultation GetConsultation ListConsultations
        WatchConsultations""",
    "tierlink.referral.v1.EpisodeService": """
        OpenEpisode RecordMilestone CorrectMilestone CloseEpisode GetEpisode ListEpisodes""",
    "tierlink.referral.v1.StandingService": """
        ScheduleStanding RecordVisit ReportMissedVisit MoveVisit SuspendStanding ResumeStanding EndStanding
        GetStandingOrder ListVisits""",
    "tierlink.referral.v1.BatchService": """
        SubmitBatch""",
    "tierlink.referral.v1.DirectoryService": """
        ApplyDirectory GetFacility ListFacilities ListCommunities ListAlliances ListPoolingAreas
        ListRecognitionAreas ListGreenChannels""",
    "tierlink.bed.v1.BedService": """
        ApplyWards ListBeds SearchBeds GetAvailability WatchAvailability HoldBed ExtendHold ReleaseHold
        OccupyBed VacateBed MarkBedReady TransferBed BlockBed UnblockBed ConfirmCounts""",
    "tierlink.notification.v1.AlertService": """
        ListAlerts GetAlert WatchAlerts AcknowledgeAlert ResolveAlert PreviewRecipients""",
    "tierlink.notification.v1.RosterService": """
        ApplyRoster ListDuties GetCoverage SetContactPoints ProposeSwap ConfirmSwap DeclineSwap WithdrawSwap
        ListSwaps""",
    "tierlink.notification.v1.BoardService": """
        ReportBoard ListBoards WithdrawBoard""",
    "tierlink.notification.v1.DrillService": """
        StartDrill ListDrills GetDrillReport""",
    "tierlink.operations.v1.StatusService": """
        GetStatus""",
    "tierlink.projection.v1.ProjectionService": """
        ListProjections BeginRebuild RunRebuild CompareProjection SwapProjection DropProjection""",
}

#: Promised and not there yet, each with what it waits for. The list only ever gets shorter.
NOT_YET: dict[str, str] = {}


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout}\n{done.stderr}"


@cache
def _files() -> tuple[FileDescriptor, ...]:
    names = sorted(path.relative_to(ROOT / "gen") for path in (ROOT / "gen/tierlink").rglob("*_pb2.py"))
    modules: list[Any] = [import_module(".".join(name.with_suffix("").parts)) for name in names]
    return tuple(module.DESCRIPTOR for module in modules)


def _services() -> Iterator[ServiceDescriptor]:
    for file in _files():
        yield from file.services_by_name.values()


def _methods() -> Iterator[MethodDescriptor]:
    for service in _services():
        yield from service.methods


def _enums() -> Iterator[EnumDescriptor]:
    for file in _files():
        yield from file.enum_types_by_name.values()
        waiting = list(file.message_types_by_name.values())
        while waiting:
            message = waiting.pop()
            yield from message.enum_types
            waiting.extend(message.nested_types)


def test_the_generated_code_is_that_of_the_protos() -> None:
    done = _run(sys.executable, "deploy/generate_protos.py", "--check")
    assert done.returncode == 0, _said(done)


@pytest.mark.parametrize("arguments", [("lint", "protos"), ("format", "-d", "--exit-code", "protos")])
def test_buf_has_nothing_to_say(arguments: tuple[str, ...]) -> None:
    done = _run(BUF, *arguments)
    assert done.returncode == 0, _said(done)


def _base() -> str:
    """The commit to be compatible with: where this branch left the remote's main, else the last commit.

    A clone without a remote, or a shallow one that does not reach that far back, has only the last commit:
    what is changed and not committed is then compared, and the branch where its main is known.
    """
    merge_base = _run("git", "merge-base", "origin/main", "HEAD")
    return merge_base.stdout.strip() if merge_base.returncode == 0 else "HEAD"


def test_nothing_that_others_rely_on_is_broken() -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("there is nothing to compare with: this is no git repository, or git is not installed")
    done = _run(BUF, "breaking", "protos", "--against", f".git#subdir=protos,ref={_base()}")
    assert done.returncode == 0, _said(done)


def _promised() -> set[str]:
    return {f"{service}/{rpc}" for service, rpcs in PROMISED.items() for rpc in rpcs.split()}


def test_every_promised_rpc_is_there() -> None:
    there = {f"{method.containing_service.full_name}/{method.name}" for method in _methods()}
    assert _promised() - there == NOT_YET.keys(), "a promised RPC is missing, or one is no longer missing"
    assert all(NOT_YET.values()), "each that is missing says why"


class _Nobody:
    """An authenticator that nobody asks."""

    def remembered(self, token: str) -> None:
        raise AssertionError(token)

    async def verify(self, token: str) -> Any:
        raise AssertionError(token)


class _Details(grpc.HandlerCallDetails):
    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


def _handlers() -> Iterator[grpc.GenericRpcHandler]:
    runtime = RpcRuntime(
        authenticator=_Nobody(),
        admission=Admission(calls_max=1, streams_max=1),
        metrics=RpcMetrics(CollectorRegistry()),
    )
    # Assembling opens no connection: the objects of each service as they are, with nothing behind them.
    assemblies: tuple[Assembly, ...] = (
        referral.assemble(ReferralSettings(), referral.build(ReferralSettings())),
        bed.assemble(BedSettings(), bed.build(BedSettings())),
        notification.assemble(NotificationSettings(), notification.build(NotificationSettings())),
    )
    for assembly in assemblies:
        yield from assembly.handlers(runtime)


def test_every_rpc_of_the_protos_is_served() -> None:
    handlers = tuple(_handlers())
    unserved = [
        f"{method.containing_service.full_name}/{method.name}"
        for method in _methods()
        if not any(
            handler.service(_Details(f"/{method.containing_service.full_name}/{method.name}"))
            for handler in handlers
        )
    ]
    assert unserved == []


def test_each_rpc_has_a_request_and_a_response_of_its_own() -> None:
    for method in _methods():
        assert method.input_type.name == f"{method.name}Request"
        assert method.output_type.name == f"{method.name}Response"
    used = [message.full_name for method in _methods() for message in (method.input_type, method.output_type)]
    assert len(used) == len(set(used))


def test_the_zero_of_every_enum_says_that_nothing_is_said() -> None:
    enums = tuple(_enums())
    assert enums
    for enum in enums:
        assert enum.values_by_number[0].name.endswith("_UNSPECIFIED"), enum.full_name


def test_every_command_carries_what_every_command_carries() -> None:
    for method in _methods():
        fields = method.input_type.fields_by_name
        if "request_id" in fields:
            assert {"expected_version", "occurred_at"} <= set(fields.keys()), method.full_name
