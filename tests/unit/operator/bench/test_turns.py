"""In turns: each after the other, the first time for nothing."""

from services.operator.bench.turns import in_turns


async def test_baseline_and_ours_alternate_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []

    def measure(name: str):  # type: ignore[no-untyped-def]
        async def once() -> float:
            order.append(name)
            return float(len(order))

        return once

    async def settle() -> None:
        order.append("settled")

    found = await in_turns({"base": measure("base"), "ours": measure("ours")}, 2, settle)

    assert order == ["base", "settled", "ours", "settled"] * 3
    assert found == {"base": (5.0, 9.0), "ours": (7.0, 11.0)}
