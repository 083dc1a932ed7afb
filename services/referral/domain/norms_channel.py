"""Green channels: what they open, what they skip, and what they never skip.

A channel skips what is no clinical matter: the climb level by level, the wait for an approval (which is then
given afterwards, as for an emergency) and the deposit. Capability, the nearest place in an emergency,
readiness for the grassroots, consent and the one live referral stand as they are; so does the insurance
filing, which is the patient's money and not the facility's queue.
"""

from services.referral.domain.directory_entries import GreenChannel
from services.referral.domain.directory_state import Directory
from services.referral.domain.norms_move import Move, Verdict
from services.referral.domain.norms_texts import SKIPPED
from services.referral.domain.norms_verdicts import name_of, verdict
from services.shared.kernel.refusals import FieldViolation
from services.shared.kernel.text import BilingualText


def channel_faults(directory: Directory, green_channel: str) -> list[FieldViolation]:
    """A green channel that does not exist."""
    if not green_channel or green_channel in directory.green_channels:
        return []
    description = f"green channel {green_channel} is not in the directory"
    return [FieldViolation(field="green_channel", reason="UNKNOWN_GREEN_CHANNEL", description=description)]


def opens(move: Move) -> bool:
    """Whether the move goes by a green channel: its holder to its facility."""
    channel = move.green_channel
    return channel is not None and channel.facility == move.destination.id and _held(channel, move)


def green_channel(move: Move, skipped: tuple[str, ...]) -> Verdict:
    """The channel that the request names is its holder's, and opens one of the destinations."""
    channel = move.green_channel
    if channel is None:
        raise ValueError("no green channel is named: the rule is not asked")
    values: dict[str, str | BilingualText] = {
        "channel": channel.name,
        "facility": move.destination.name,
        "opens": name_of(move.directory, channel.facility),
        "origin": move.origin.name,
        "holder": holder_name(channel, move),
    }
    if opens(move):
        words = [SKIPPED[each] for each in skipped]
        skips = BilingualText(
            zh="、".join(each.zh for each in words), en=", ".join(each.en for each in words)
        )
        return verdict(True, "GREEN_CHANNEL.OPEN", **values, skips=skips)
    if move.rerouted or (channel.facility in move.listed and _held(channel, move)):
        return verdict(True, "GREEN_CHANNEL.NOT_HERE", **values)
    code = "GREEN_CHANNEL.OTHER_FACILITY" if _held(channel, move) else "GREEN_CHANNEL.OTHER_HOLDER"
    return verdict(False, code, **values)


def holder_name(channel: GreenChannel, move: Move) -> BilingualText:
    """What the holder is called."""
    return channel.holder_name or name_of(move.directory, channel.holder)


def _held(channel: GreenChannel, move: Move) -> bool:
    """A facility's channel is used from there alone; another holder's people come from anywhere."""
    return move.directory.facility(channel.holder) is None or move.origin.id == channel.holder
