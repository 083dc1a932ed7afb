"""Fixtures of the RPC layer's tests: a compiled probe contract, keys, and a real server around them."""

import sys
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc_tools
import pytest
from grpc_tools import protoc
from prometheus_client import CollectorRegistry

from services.shared.rpc.admission import Admission
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.rpc.signing import KeyFiles, SigningKey, generate_signing_key, write_key_files
from tests.unit.shared.rpc.rpc_probe import ProbeKit

HERE = Path(__file__).parent
ROOT = HERE.parents[3]


@pytest.fixture(scope="session")
def probe_pb2(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module generated from probe.proto."""
    folder = tmp_path_factory.mktemp("probe_gen")
    includes = (HERE, ROOT / "protos", Path(grpc_tools.__file__).parent / "_proto")
    status = protoc.main(
        [
            "protoc",
            *(f"-I{path}" for path in includes),
            f"--python_out={folder}",
            "probe.proto",
            "buf/validate/validate.proto",
        ]
    )
    assert status == 0
    # At the end, so that the repository's own generated `buf` wins where it exists: one pool, one file.
    sys.path.append(str(folder))
    return import_module("probe_pb2")


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return generate_signing_key()


@pytest.fixture(scope="session")
def key_files(signing_key: SigningKey, tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return write_key_files(signing_key, tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def verifier(key_files: KeyFiles) -> AsyncIterator[TokenVerifier]:
    verifier = TokenVerifier(TokenSettings(jwks=str(key_files.jwks)))
    await verifier.open()
    yield verifier
    await verifier.close()


@pytest.fixture
async def kit(probe_pb2: Any, signing_key: SigningKey, verifier: TokenVerifier) -> AsyncIterator[ProbeKit]:
    kit = ProbeKit(pb2=probe_pb2, key=signing_key, verifier=verifier)
    yield kit
    await kit.close()


@pytest.fixture
def kit_runtime() -> RpcRuntime:
    class Nobody:
        def remembered(self, _token: str) -> None:
            return None

        async def verify(self, _token: str) -> Any:
            raise AssertionError

    return RpcRuntime(
        authenticator=Nobody(),
        admission=Admission(calls_max=1, streams_max=1),
        metrics=RpcMetrics(CollectorRegistry()),
    )
