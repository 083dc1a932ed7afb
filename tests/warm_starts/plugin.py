"""A pytest plugin: what tests start is started warm, where the system can."""

import os
import sys

import pytest

from tests.warm_starts.calls import set_execute
from tests.warm_starts.programs import CHOICE
from tests.warm_starts.starts import starter_on_demand, warm_execute


def pytest_configure(config: pytest.Config) -> None:
    """The first process of several runs no tests, and needs no starter."""
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if runs_tests and sys.platform == "linux" and os.environ.get(CHOICE) != "cold":
        set_execute(warm_execute(starter_on_demand()))
