"""The rosters that an escalation looks into."""

from services.notification.application.aggregates import Aggregates
from services.notification.domain.directory import Directory
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.roster import Roster, roster_name
from services.shared.eventstore.work import Work


async def rosters_of(work: Work, kinds: Aggregates, directory: Directory, facility: str) -> Rosters:
    """Of a facility, and of the lead of its community."""
    own: Roster | None = await work.load(kinds.roster, roster_name(facility))
    lead: Roster | None = None
    lead_facility = directory.community_lead(facility)
    if lead_facility:
        lead = await work.load(kinds.roster, roster_name(lead_facility))
    return Rosters(own=own, lead=lead)
