"""Events of beds, as they come from Kafka."""

from services.referral.application.change_referral import ReferralChanges
from services.referral.entrypoints.bed_news import bed_news_of
from services.shared.commands.system_context import reaction_context
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import InboxMark
from services.shared.inbox.handling import IGNORED, Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.actor import system_actor

_ACTOR = system_actor("referral")


class BedConsumer:
    """Has referrals follow what happens to their beds."""

    def __init__(self, runner: CommandRunner, changes: ReferralChanges) -> None:
        self._runner = runner
        self._changes = changes

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises DecodeError or ValueError for a record that is no bed event, DependencyDown to be asked
        again."""
        news = bed_news_of(record.value)
        if news is None:
            return IGNORED
        return await self._runner.react(
            self._changes.follow(news.command, news.referral),
            reaction_context(record, news.occurred_at, _ACTOR),
            target=news.referral,
            inbox=InboxMark(source=record.topic, aggregate_id=record.key, version=record.version),
        )
