"""Which clocks count: exclusions with their reasons, and how they are lifted.

The sources of the targets name them: door-in-door-out of chest pain leaves out patients in shock or acute
left heart failure whom the PCI hospital fetches, provided that the reason is kept (chest pain centre standard
2016, primary edition).
"""

from services.referral.domain import episode_commands as commands
from services.referral.domain import episode_events as events
from services.referral.domain import episode_texts as texts
from services.referral.domain.clocks import clocks
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode_state import Episode
from services.referral.domain.episode_values import ClockExclusion
from services.referral.domain.readers import coordinates
from services.shared.kernel.actor import Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotPermitted

_EXCLUDERS = (Role.CLINICIAN, Role.REFERRAL_OFFICE)


def exclude(
    state: Episode,
    command: commands.ExcludeClock,
    context: CommandContext,
    directory: Directory,
    targets: tuple[ClockTarget, ...],
) -> tuple[events.ClockExcluded, tuple[FailedRule, ...]]:
    """The event, and the rules that it would break. Raises NotPermitted; InvalidInput for another reason."""
    _authorise(state, command.facility, context, directory)
    found = [each for each in targets if each.pathway is state.pathway and each.key == command.key]
    if found and not found[0].excludes(command.reason.code):
        raise InvalidInput(
            FieldViolation(field="reason", reason="UNKNOWN_CODE", description=texts.EXCLUSION_UNKNOWN)
        )
    failed: tuple[FailedRule, ...] = ()
    if _excluded(state, command.key, command.facility):
        failed = (FailedRule(code="EXCLUDED_ALREADY", text=texts.EXCLUDED_ALREADY),)
    elif not any(
        (clock.key, clock.facility) == (command.key, command.facility) for clock in clocks(state, found)
    ):
        failed = (FailedRule(code="NO_SUCH_CLOCK", text=texts.NO_SUCH_CLOCK),)
    exclusion = ClockExclusion(
        key=command.key,
        facility=command.facility,
        reason=command.reason,
        excluded_by=context.actor,
        excluded_at=context.recorded_at,
    )
    return events.ClockExcluded(exclusion=exclusion, pathway=state.pathway), failed


def lift(
    state: Episode, command: commands.LiftClockExclusion, context: CommandContext, directory: Directory
) -> tuple[events.ClockExclusionLifted, tuple[FailedRule, ...]]:
    """The event, and the rules that it would break. Raises NotPermitted."""
    _authorise(state, command.facility, context, directory)
    failed: tuple[FailedRule, ...] = ()
    if not _excluded(state, command.key, command.facility):
        failed = (FailedRule(code="NOT_EXCLUDED", text=texts.NOT_EXCLUDED),)
    lifted = events.ClockExclusionLifted(
        key=command.key, facility=command.facility, reason=command.reason, pathway=state.pathway
    )
    return lifted, failed


def _excluded(state: Episode, key: str, facility: str) -> bool:
    return any((each.key, each.facility) == (key, facility) for each in state.exclusions)


def _authorise(state: Episode, facility: str, context: CommandContext, directory: Directory) -> None:
    """The facility whose number it is, any that takes part for a clock without one, or the coordinator."""
    actor, owners = context.actor, (facility,) if facility else state.facilities
    own = actor.facility in owners and actor.has_role(*_EXCLUDERS)
    if not (own or coordinates(owners, actor, directory)):
        raise NotPermitted("EXCLUDER_ONLY", texts.EXCLUDER_ONLY)
