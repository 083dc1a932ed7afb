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
    "tests/acceptance/test_alerts_once.py": 60,
    "tests/acceptance/test_board.py": 75,
    "tests/acceptance/test_crashes.py": 100,
    "tests/acceptance/test_demo.py": 60,
    "tests/acceptance/test_replay_page.py": 85,
    "tests/acceptance/test_traces.py": 22,
    "tests/bench/test_bench.py": 140,
    "tests/bench/test_guard_sees.py": 15,
    "tests/faults/test_short_run.py": 60,
    "tests/integration/test_boards.py": 35,
    "tests/integration/test_checkpoints_served.py": 45,
    "tests/integration/test_cut_short.py": 40,
    "tests/integration/test_deliveries.py": 39,
    "tests/integration/test_deliveries_stopped.py": 20,
    "tests/integration/test_doctor.py": 25,
    "tests/integration/test_embedded_servers.py": 25,
    "tests/integration/test_events_replay.py": 30,
    "tests/integration/test_full_disks.py": 45,
    "tests/integration/test_one_tap.py": 20,
    "tests/integration/test_patient_identity.py": 20,
    "tests/integration/test_projection_rebuild.py": 30,
    "tests/integration/test_random_histories.py": 20,
    "tests/integration/test_tracing_outages.py": 20,
    "tests/integration/test_secure_servers.py": 50,
    "tests/mutation/test_mutation.py": 38,
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
