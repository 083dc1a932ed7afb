"""What a process does with Python's collector of cycles: each in a process of its own, as it is for good."""

import json
import subprocess
import sys
from typing import Any

_COUNTING = """
import gc, json
runs = []
gc.callbacks.append(lambda phase, info: runs.append(info["generation"]) if phase == "start" else None)
from services.shared.lifecycle.collector import spare_what_stays, uncollected
"""


def _told_by(program: str) -> Any:
    """What a program prints as JSON, after the collector's runs are counted in `runs`."""
    done = subprocess.run(
        [sys.executable, "-c", _COUNTING + program], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_nothing_is_collected_while_a_service_is_imported() -> None:
    told = _told_by("""
runs.clear()
with uncollected():
    import services.bed.main
    within = len(runs)
print(json.dumps({"within": within, "after": gc.isenabled()}))
""")
    assert told == {"within": 0, "after": True}


def test_the_collector_works_again_though_an_import_fails() -> None:
    told = _told_by("""
try:
    with uncollected():
        import services.not_there
except ImportError:
    pass
print(json.dumps(gc.isenabled()))
""")
    assert told is True


def test_what_is_there_when_a_service_serves_is_not_visited_again() -> None:
    told = _told_by("""
class Node: pass
stays = [Node() for _ in range(5_000)]
spare_what_stays()
stood = gc.get_freeze_count()
runs.clear()
pairs = [[] for _ in range(5_000)]
few = len(runs)
pairs += [[] for _ in range(10_000)]
print(json.dumps({"stood": stood > 5_000, "few": few, "many": len(runs)}))
""")
    assert told["stood"]
    assert told["few"] == 0, "a few calls' objects already made the collector look"
    assert told["many"] == 1, "nothing is ever collected"


def test_every_process_of_the_platform_is_loaded_uncollected() -> None:
    told = _told_by("""
import runpy, sys
from unittest import mock
during = {}
class Loaded(Exception): pass
def ended(*_): raise Loaded
for name in ("referral", "bed", "notification", "board"):
    seen = []
    def note(event, args, seen=seen, name=name):
        if event == "import" and args[0] == f"services.{name}.settings":
            seen.append(gc.isenabled())
    sys.addaudithook(note)
    with mock.patch("sys.exit", ended), mock.patch("sys.argv", ["x", "--help"]):
        try:
            with mock.patch("asyncio.run", ended), mock.patch("asyncio.Runner.run", ended):
                runpy.run_module(f"services.{name}", run_name="__main__")
        except (Loaded, SystemExit):
            pass
    during[name] = seen
print(json.dumps(during))
""")
    assert told == {name: [False] for name in ("referral", "bed", "notification", "board")}
