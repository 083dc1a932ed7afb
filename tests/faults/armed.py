"""A service with a seeded bug: `python -m tests.faults.armed` in place of `python -m services.<name>`."""

import importlib
import os
import runpy

from tests.faults.bugs import BUGS, OF_SERVICE

SERVICE_VARIABLE = "TIERLINK_FAULTS_SERVICE"
BUG_VARIABLE = "TIERLINK_FAULTS_BUG"


def main() -> None:
    """Puts the bug in and runs the service's own program."""
    service, bug = os.environ[SERVICE_VARIABLE], os.environ[BUG_VARIABLE]
    # Whatever imports a function by its name has done so before the bug replaces it.
    importlib.import_module(f"services.{service}.main")
    if OF_SERVICE.get(bug, service) == service:
        BUGS[bug]()
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
