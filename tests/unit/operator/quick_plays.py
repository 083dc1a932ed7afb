"""A case played against services that answer at once."""

from services.operator.casefile.model import Case
from services.operator.playing.observer import Observer
from services.operator.playing.play import Terms, play
from services.operator.playing.summary import Summary
from services.operator.rpc.calling import Patience
from services.shared.rpc.signing import generate_signing_key
from tests.unit.operator.fake_services import FakeServices, serving

KEY = generate_signing_key()
QUICK = Terms(patience=Patience(attempt_s=2.0, total_s=3.0))


async def play_quickly(
    case: Case, services: FakeServices, observer: Observer | None = None, terms: Terms = QUICK
) -> Summary:
    async with serving(services) as addresses:
        return await play(case, addresses, KEY, observer, terms)


def kinds(summary: Summary) -> list[tuple[str, str]]:
    return [(each.kind, each.text.en) for each in summary.shortcomings]
