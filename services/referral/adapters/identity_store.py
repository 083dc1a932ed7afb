"""Who patients are, encrypted, in a table of its own."""

from typing import Any

from services.referral.application.patient_identities import Sealed, StoredIdentity
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.referral.adapters.sql", "patient_identities.sql")


class PostgresIdentityStore:
    """Implements `IdentityStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, patient: str) -> StoredIdentity | None:
        """Raises DependencyDown."""
        return _first(await self._database.fetch_for_caller(_SQL["latest_identity"], patient))

    async def registrars(self, patient: str) -> frozenset[str]:
        """Raises DependencyDown."""
        rows = await self._database.fetch_for_caller(_SQL["registrars_of_patient"], patient)
        return frozenset(row["facility"] for row in rows)

    async def by_request(self, request_id: str) -> StoredIdentity | None:
        """Raises DependencyDown."""
        return _first(await self._database.fetch_for_caller(_SQL["identity_of_request"], request_id))

    async def add(self, identity: StoredIdentity) -> bool:
        """Raises DependencyDown."""
        rows = await self._database.fetch_for_caller(
            _SQL["add_identity"],
            identity.patient,
            identity.version,
            identity.sealed.key_id,
            identity.sealed.nonce,
            identity.sealed.ciphertext,
            identity.recorded_at,
            identity.recorded_by,
            identity.facility,
            identity.request_id,
            identity.request_tag,
        )
        return bool(rows)


def _first(rows: Any) -> StoredIdentity | None:
    for row in rows:
        return StoredIdentity(
            patient=row["patient"],
            version=row["version"],
            sealed=Sealed(key_id=row["key_id"], nonce=row["nonce"], ciphertext=row["ciphertext"]),
            recorded_at=row["recorded_at"],
            recorded_by=row["recorded_by"],
            facility=row["facility"],
            request_id=str(row["request_id"]),
            request_tag=row["request_tag"],
        )
    return None
