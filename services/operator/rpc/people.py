"""Who calls: people with their tokens, signed with a key that the services trust."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.signing import SigningKey, sign_token

_LIFETIME_S = 3600
#: A token is signed anew this long before it ends.
_MARGIN_S = 300

#: Sets up directories, wards and rosters, and reads the audit trail.
OPERATOR = Actor(
    user="tierlink-operator", name="运维 Operator", facility="", roles=(Role.OPERATOR, Role.COORDINATOR)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Signed:
    token: str
    #: monotonic
    until_s: float


class TokenBook:
    """A valid token of each person who was asked for."""

    def __init__(self, key: SigningKey, *, audience: str = "") -> None:
        self._key = key
        self._audience = audience
        self._signed: dict[Actor, _Signed] = {}

    def token(self, actor: Actor) -> str:
        """The person's token, good for some minutes at least."""
        signed = self._signed.get(actor)
        if signed is None or signed.until_s < time.monotonic():
            token = sign_token(
                self._key,
                actor,
                issued_at=datetime.now(UTC),
                lifetime_s=_LIFETIME_S,
                audience=self._audience,
            )
            signed = _Signed(token=token, until_s=time.monotonic() + _LIFETIME_S - _MARGIN_S)
            self._signed[actor] = signed
        return signed.token
