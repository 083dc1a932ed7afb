"""Answer links on PostgreSQL, their key, and the tokens of those who answer."""

import base64
import binascii
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from services.notification.domain.answer import NONCE_BYTES, AnswerAction, AnswerLink
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.kernel.actor import Actor
from services.shared.rpc.signing import read_signing_key, sign_token

_SQL = load_blocks("services.notification.adapters.sql", "answer_links.sql")
_KEY_BYTES = 32

#: Long enough for the command that follows at once, too short to be worth stealing.
TOKEN_LIFETIME_S = 60


class AnswerKeyError(Exception):
    """The key of the links cannot be read; the text says why, and shows nothing of it."""


class StoredAnswerLinks:
    """Implements `AnswerTable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def draw_nonce(self) -> bytes:
        return secrets.token_bytes(NONCE_BYTES)

    async def keep(self, link: AnswerLink) -> AnswerLink:
        (row,) = await self._database.fetch_for_caller(
            _SQL["keep_link"],
            link.nonce,
            link.delivery,
            link.alert,
            link.recipient,
            link.recipient_name,
            link.facility,
            list(link.actions),
            link.language,
            link.expires_at,
        )
        return _link(row)

    async def find(self, nonce: bytes) -> AnswerLink | None:
        rows = await self._database.fetch_for_caller(_SQL["find_link"], nonce)
        return _link(rows[0]) if rows else None

    async def use(self, nonce: bytes, action: AnswerAction, reason: str, at: datetime) -> bool:
        used = await self._database.fetch_for_caller(_SQL["use_link"], nonce, at, action.value, reason)
        return bool(used)


class AnswerTokens:
    """Implements `Minting` with the key that the platform's key set lets speak for clinicians, briefly."""

    def __init__(self, key_file: Path, *, audience: str) -> None:
        """Raises SigningKeyError."""
        self._key = read_signing_key(key_file)
        self._audience = audience

    def token_for(self, actor: Actor, now: datetime) -> str:
        return sign_token(
            self._key, actor, issued_at=now, lifetime_s=TOKEN_LIFETIME_S, audience=self._audience
        )


def read_answer_key(path: Path) -> bytes:
    """32 bytes in base64. Raises AnswerKeyError."""
    try:
        key = base64.b64decode(path.read_text("ascii").strip(), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise AnswerKeyError(f"cannot read the key of the answer links {path}: {error}") from None
    if len(key) != _KEY_BYTES:
        raise AnswerKeyError(f"{path} has {len(key)} bytes in base64, not {_KEY_BYTES}")
    return key


def _link(row: Any) -> AnswerLink:
    fields = dict(row)
    return AnswerLink(
        **{
            **fields,
            "nonce": bytes(fields["nonce"]),
            "delivery": str(fields["delivery"]),
            "actions": tuple(AnswerAction(action) for action in fields["actions"]),
        }
    )
