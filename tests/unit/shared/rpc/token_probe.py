"""Tokens as tests sign them, and a clock that they move."""

import time
from typing import Any

import jwt
import pytest

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import Unauthenticated
from services.shared.rpc.credentials import TokenVerifier
from services.shared.rpc.signing import (
    SigningKey,
)

ACTOR = Actor(user="u-7", name="包医生", facility="fac-9", roles=(Role.CLINICIAN, Role.COORDINATOR))


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    base = {
        "sub": "u-7",
        "name": "包医生",
        "facility": "fac-9",
        "roles": ["clinician"],
        "exp": int(time.time()) + 600,
    }
    merged = {**base, **changes}
    return {claim: value for claim, value in merged.items() if value is not ...}


def signed(key: SigningKey, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key.private_key, algorithm="EdDSA", headers={"kid": key.kid})


async def reason_of(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)
    assert verifier.remembered(token) is None
    return refused.value.reason
