"""A referral's chart beside the running service: the pure core, in the network of the service's tests."""

from dataclasses import dataclass, replace
from datetime import datetime
from re import sub
from typing import Any

from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import Community, Directory, Facility
from services.referral.domain.evolve import evolve
from services.referral.domain.values import FacilityLevel
from services.referral.entrypoints.grpc.resources import referral_resource
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.text import BilingualText
from tests.integration.hospital import CITY, COUNTY, LEVELS
from tests.unit.referral.referral.chart import CODEC, Chart
from tests.unit.referral.referral.network import applied

#: What the service and the chart must agree on: everything but moments, which each reads from its own clock.
COMPARED = (
    *("name", "version", "episode", "patient", "state", "allowed_commands", "direction", "scope", "parent"),
    *("origin_facility", "destination_facility", "custodian_facility", "next_destinations", "hop_count"),
    *("bed_region", "insurance_filing_number", "referred_back_to", "reopened_as", "approval_in_retrospect"),
)


def directory() -> Directory:
    """As `Hospital.apply_directory` gives it to the service."""
    community = Community(
        id="jimsar-mc", name=BilingualText(zh="医共体", en="community"), county="652327", lead=COUNTY
    )
    facilities = [
        Facility(
            id=facility,
            name=BilingualText(zh=facility, en=facility),
            level=FacilityLevel(level),
            community="" if facility == CITY else "jimsar-mc",
            region="652327",
            capabilities=("STROKE", "CHEST_PAIN") if facility in (COUNTY, CITY) else (),
            travel_minutes={} if facility == COUNTY else {COUNTY: 60},
        )
        for facility, level in LEVELS.items()
    ]
    return applied(ApplyDirectory(communities=(community,), facilities=tuple(facilities)))


@dataclass
class Beside(Chart):
    """A chart whose commands have the request ids that the service is given."""

    request: str = ""

    def context(self, actor: Actor, occurred_at: datetime | None = None) -> CommandContext:
        return replace(super().context(actor, occurred_at), request_id=self.request)

    def read(self, payloads: list[bytes]) -> None:
        """Takes in what the service has stored."""
        for stored in payloads:
            recorded = CODEC.decode(stored)
            self.state = evolve(self.state, recorded)
            self.stored.append(stored)
            self.events.append(recorded.event)

    def compare(self, got: Any) -> None:
        """What the service shows is what the chart would."""
        wanted = referral_resource(self.referral)
        for name in COMPARED:
            assert getattr(got, name) == getattr(wanted, name), name
        assert [(each.name, each.facility, each.state) for each in got.offers] == [
            (each.name, each.facility, each.state) for each in wanted.offers
        ]


def timeless(key: str) -> str:
    """A deadline's key without its moment, which the service and the chart read from clocks of their own."""
    return sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "*", key)
