"""A pytest plugin: with several processes, the modules that take longest are begun first.

`--dist loadfile` gives each process a module at a time. By itself it begins with those of most tests, which
leaves the whole platforms, of few and long tests, to the end, where one process works and the others wait.
"""

from __future__ import annotations

from typing import Final

import pytest

#: Seconds of a run, about, of modules that take longer than others beside them. What is not named takes
#: what its folder says: an order needs no more.
MODULES_S: Final = {
    "tests/acceptance/test_alerts_once.py": 35,
    "tests/acceptance/test_availability.py": 35,
    "tests/acceptance/test_bed_map.py": 40,
    "tests/acceptance/test_board.py": 85,
    "tests/acceptance/test_board_clocks.py": 20,
    "tests/acceptance/test_board_presence.py": 80,
    "tests/acceptance/test_board_tabs.py": 30,
    "tests/acceptance/test_cases.py": 25,
    "tests/acceptance/test_crashes.py": 80,
    "tests/acceptance/test_demo.py": 20,
    "tests/acceptance/test_readme.py": 20,
    "tests/acceptance/test_replay_page.py": 60,
    "tests/acceptance/test_state_again.py": 50,
    "tests/acceptance/test_traces.py": 15,
    "tests/acceptance/test_up.py": 55,
    "tests/acceptance/test_what_if.py": 55,
    "tests/bench/test_bench.py": 140,
    "tests/faults/test_short_run.py": 35,
    "tests/integration/test_bed_killed.py": 15,
    "tests/integration/test_boards.py": 45,
    "tests/integration/test_checkpoints_served.py": 20,
    "tests/integration/test_cut_short.py": 25,
    "tests/integration/test_dead_letters_served.py": 15,
    "tests/integration/test_deliveries.py": 55,
    "tests/integration/test_deliveries_stopped.py": 20,
    "tests/integration/test_doctor.py": 15,
    "tests/integration/test_embedded_servers.py": 20,
    "tests/integration/test_events_replay.py": 25,
    "tests/integration/test_full_disks.py": 35,
    "tests/integration/test_notification_strangers.py": 15,
    "tests/integration/test_random_histories.py": 50,
    "tests/integration/test_receipts.py": 40,
    "tests/integration/test_secure_servers.py": 45,
    "tests/integration/test_swaps.py": 15,
    "tests/mutation/test_mutation.py": 35,
    "tests/unit/referral/machine/test_episode_machine.py": 15,
}
FOLDERS_S: Final = {"tests/acceptance": 40, "tests/integration": 10, "tests/contract": 5, "tests/faults": 1}
#: What nobody has named yet, outside the unit tests: too early costs nothing, too late makes the others wait.
UNKNOWN_S: Final = 30


def expected_s(module: str) -> int:
    """What is known of a module's seconds, by its path below the repository."""
    folder = module.rpartition("/")[0]
    unnamed_s = 0 if folder.startswith("tests/unit") else UNKNOWN_S
    return MODULES_S.get(module) or FOLDERS_S.get(folder, unnamed_s)


def pytest_configure(config: pytest.Config) -> None:
    """Has xdist take the modules in the order in which they were collected."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the longest first in each process of a run: all of them must have the same order.

    One that runs alone is left as it was: there the shortest tell soonest what is wrong.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: -expected_s(item.nodeid.partition("::")[0]))
