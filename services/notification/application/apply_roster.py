"""Makes a facility's roster what the request says."""

from services.notification.application.aggregates import Aggregates
from services.notification.domain import roster as rosters
from services.notification.domain.commands import ApplyRoster
from services.notification.domain.roster import Roster
from services.shared.eventstore.work import Reply, UseCase, Work


def apply_roster(kinds: Aggregates, command: ApplyRoster, name: str) -> UseCase[Roster]:
    """Answers with the roster in force. Raises LookupError when nothing was ever applied, nor is now."""

    async def use_case(work: Work) -> Reply[Roster]:
        state = await work.load_target(kinds.roster, name)
        events = rosters.decide(state, command, work.context)
        if events:
            await work.record(kinds.roster, name, events)
        return work.reply(kinds.roster, name)

    return use_case
