"""A relay believes in the end of a lease no later than the database does."""

from typing import Any

from services.shared.outbox.leases import Leases


class Answers:
    """A database that grants all shards, and takes its time."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.held: list[int] = []
        self.others = 0
        self.delay_s = 0.0

    async def fetch_row(self, statement: str, *arguments: object) -> dict[str, Any]:
        self.now_s += self.delay_s
        return {"shards": self.held, "epochs": [1] * len(self.held), "others": self.others}

    async def fetch(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        self.now_s += self.delay_s
        if "epoch + 1" not in statement:
            return []
        self.held = list(range(8))
        return [{"shard": shard, "epoch": 1} for shard in self.held]


def _leases(answers: Answers) -> Leases:
    return Leases(answers, owner="one", lease_s=3.0, clock=lambda: answers.now_s)  # type: ignore[arg-type]


async def test_a_lease_counts_from_before_it_was_asked_for() -> None:
    answers = Answers()
    answers.delay_s = 1.0
    leases = _leases(answers)
    await leases.tick(frozenset())
    # Asked for at 1001, granted at 1002: over at 1004 here, at 1005 in the database.
    answers.now_s = 1_003.4
    assert len(leases.usable(range(8))) == 8
    answers.now_s = 1_003.6
    assert leases.usable(range(8)) == {}, "less than a sixth of it is left"


async def test_a_process_that_was_stopped_finds_its_leases_over() -> None:
    answers = Answers()
    leases = _leases(answers)
    await leases.tick(frozenset())
    assert leases.usable([2, 5]) == {2: 1, 5: 1}
    answers.now_s += 60.0
    assert leases.usable([2, 5]) == {}


async def test_what_is_too_much_is_not_used_any_more_even_while_it_is_busy() -> None:
    answers = Answers()
    leases = _leases(answers)
    await leases.tick(frozenset())
    answers.others = 1
    await leases.tick(frozenset({6}))
    assert set(leases.usable(range(8))) == {0, 1, 2, 3}
    assert leases.held == {0, 1, 2, 3, 6}


async def test_what_another_took_is_not_used_any_more() -> None:
    answers = Answers()
    leases = _leases(answers)
    await leases.tick(frozenset())
    leases.lose([1])
    assert 1 not in leases.usable(range(8))
    answers.held = [0, 2]
    answers.others = 3
    await leases.tick(frozenset())
    assert set(leases.usable(range(8))) == {0, 2}
