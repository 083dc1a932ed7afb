"""Events of referrals and of the directory, as they come from Kafka."""

from services.bed.application.follow_referral import BedWanted, FollowReferral, PatientDiverted
from services.bed.entrypoints.directory_news import DIRECTORY_TOPIC, DirectoryConsumer
from services.bed.entrypoints.referral_news import ReferralNews, news_of
from services.shared.commands.system_context import reaction_context
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import InboxMark
from services.shared.inbox.handling import IGNORED, Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.actor import system_actor

_ACTOR = system_actor("bed")


class ReferralConsumer:
    """Has the wards follow what referrals do."""

    def __init__(self, runner: CommandRunner, following: FollowReferral) -> None:
        self._runner = runner
        self._following = following

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises DecodeError or ValueError for a record that is no referral event, DependencyDown to be asked
        again."""
        read: ReferralNews = news_of(record.value)
        if read.news is None:
            return IGNORED
        return await self._runner.react(
            self._following.follow(read.news),
            reaction_context(record, read.occurred_at, _ACTOR),
            target=_target(read, record),
            inbox=InboxMark(source=record.topic, aggregate_id=record.key, version=record.version),
        )


class BedConsumer:
    """Gives each record to who reads its topic."""

    def __init__(self, referrals: ReferralConsumer, directory: DirectoryConsumer) -> None:
        self._referrals = referrals
        self._directory = directory

    async def handle(self, record: ConsumedEvent) -> Answer:
        """Raises as they do."""
        if record.topic == DIRECTORY_TOPIC:
            return await self._directory.handle(record)
        return await self._referrals.handle(record)


def _target(read: ReferralNews, record: ConsumedEvent) -> str:
    """Acceptances at one facility wait for each other here rather than collide over its last bed."""
    news = read.news
    if isinstance(news, BedWanted):
        return f"facility/{news.hold.facility}/{news.hold.bed_type}"
    if isinstance(news, PatientDiverted) and news.hold is not None:
        return f"facility/{news.hold.facility}/{news.hold.bed_type}"
    return record.key
