"""All hospitals of a province in one process: they call when something is due, and keep streams open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.operator.bench.province.courses import COURSES
from services.operator.bench.province.mix import packaged_mix
from services.operator.bench.province.network import BRANCHES, COUNTIES, branch, county_hospital, key
from services.operator.bench.province.news import News, watching
from services.operator.bench.province.playing import Hospitals, Player
from services.operator.bench.province.schedule import Arrival, arrivals, one_of_each
from services.operator.bench.province.tally import Sent
from services.operator.bench.watched import Watched
from services.shared.kernel.actor import Role
from services.shared.rpc.channels import SERVICES

#: More than a round ever needs: a rate that is meant for another machine is refused, not tried.
_COURSES_MAX = 10_000


class ProvinceClient:
    """Keeps what it sent, so that a baseline is sent the same."""

    def __init__(self) -> None:
        self._sent: Sequence[Sent] = ()

    async def round(
        self,
        *,
        addresses: dict[str, str],
        tokens: dict[str, str],
        provinces: float,
        seconds: float,
        gap_s: float,
        seed: str,
    ) -> dict[str, Any]:
        """All courses that begin in so many seconds, to their ends; every course once where no time is given.

        Raises TooManyArrivals.
        """
        places = {"counties": COUNTIES, "branches": BRANCHES}
        schedule: Sequence[Arrival] = (
            arrivals(
                packaged_mix().per_second(provinces),
                seconds=seconds,
                seed=seed,
                arrivals_max=_COURSES_MAX,
                **places,
            )
            if seconds
            else one_of_each(list(COURSES), seed=seed, **places)
        )
        hospitals = Hospitals(addresses, tokens)
        news = News()
        player = Player(hospitals, news, gap_s=gap_s)
        try:
            async with watching(_streams(hospitals, tokens, news), player.tally.failed):
                tally = await player.play(schedule)
        finally:
            await hospitals.close()
        self._sent = tally.sent
        return {**tally.summary(), "courses": len(schedule)}

    async def again(self, *, address: str, tokens: dict[str, str]) -> dict[str, Any]:
        """The calls of the last round at the same moments, to a server that answers whatever it is asked."""
        hospitals = Hospitals(dict.fromkeys(SERVICES, address), tokens)
        try:
            tally = await Player(hospitals, News(), gap_s=0.0).play_again(self._sent)
        finally:
            await hospitals.close()
        return {**tally.summary()}


def _streams(hospitals: Hospitals, tokens: Mapping[str, str], news: News) -> Iterator[Watched]:
    """Alerts at every facility, referrals at the hospitals."""
    for county in range(COUNTIES):
        hospital = county_hospital(county)
        for facility in (hospital, *(branch(county, number) for number in range(BRANCHES))):
            who = key(facility, Role.CLINICIAN)
            channel = hospitals.channel(who, "notification")
            yield Watched(method="WatchAlerts", channel=channel, token=tokens[who], told=news.alert)
        who = key(hospital, Role.CLINICIAN)
        channel = hospitals.channel(who, "referral")
        yield Watched(method="WatchReferrals", channel=channel, token=tokens[who], told=news.referral)
