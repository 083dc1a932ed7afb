"""Events of beds, as they come from Kafka."""

from services.referral.application.change_referral import ReferralChanges
from services.referral.application.follow_ward import follow_ward
from services.referral.application.known_beds import KnownBeds
from services.referral.entrypoints.bed_news import read_bed_event
from services.shared.commands.system_context import reaction_context
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import InboxMark
from services.shared.inbox.handling import IGNORED, Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.actor import system_actor

_ACTOR = system_actor("referral")


class BedConsumer:
    """Has referrals follow what happens to their beds, and keeps what is known of free ones."""

    def __init__(self, runner: CommandRunner, changes: ReferralChanges, beds: KnownBeds) -> None:
        self._runner = runner
        self._changes = changes
        self._beds = beds

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises DecodeError or ValueError for a record that is no bed event, DependencyDown to be asked
        again."""
        word = read_bed_event(record.value)
        if word.referral is None and word.ward is None:
            return IGNORED
        news = word.referral
        follow = None if news is None else self._changes.follow(news.command, news.referral)
        return await self._runner.react(
            follow_ward(self._beds, word.ward, follow),
            reaction_context(record, word.occurred_at, _ACTOR),
            target=record.key if news is None else news.referral,
            inbox=InboxMark(source=record.topic, aggregate_id=record.key, version=record.version),
        )
