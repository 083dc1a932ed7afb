"""People that nobody is, and a store that forgets when the test ends."""

from base64 import b64encode

from services.referral.application.patient_identities import StoredIdentity
from services.referral.domain.patient_identity import Guardian, IdentityDetails, IdentityDocument

#: The example of GB 11643-1999.
RESIDENT = "11010519491231002X"

DETAILS = IdentityDetails(
    name="某某",
    birth_date="1949-12-31",
    health_card_number="HC-77001",
    document_type=IdentityDocument.RESIDENT_ID,
    document_number=RESIDENT,
    telephone="13900000000",
    address="五彩湾镇某路1号",
    insurance_number="YB-5551",
    guardian=Guardian(name="监护人甲", relation="子女", telephone="13800000001"),
)
#: What must be nowhere in clear.
SECRETS = (
    "某某",
    "1949-12-31",
    "HC-77001",
    RESIDENT,
    "13900000000",
    "五彩湾镇某路1号",
    "YB-5551",
    "监护人甲",
    "13800000001",
)


def key_line(key_id: str, number: int) -> str:
    """A line of a key file, the same for the same number."""
    return f"{key_id} {b64encode(bytes([number]) * 32).decode()}\n"


class MemoryIdentities:
    """Implements `IdentityStore`."""

    def __init__(self) -> None:
        self.rows: list[StoredIdentity] = []

    async def latest(self, patient: str) -> StoredIdentity | None:
        own = [row for row in self.rows if row.patient == patient]
        return max(own, key=lambda row: row.version, default=None)

    async def registrars(self, patient: str) -> frozenset[str]:
        return frozenset(row.facility for row in self.rows if row.patient == patient)

    async def by_request(self, request_id: str) -> StoredIdentity | None:
        return next((row for row in self.rows if row.request_id == request_id), None)

    async def add(self, identity: StoredIdentity) -> bool:
        for row in self.rows:
            if row.request_id == identity.request_id:
                return False
            if (row.patient, row.version) == (identity.patient, identity.version):
                return False
        self.rows.append(identity)
        return True
