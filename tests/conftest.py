import gc

from hypothesis import settings

pytest_plugins = ["tests.files_in_memory", "tests.stack", "tests.longest_first", "tests.warm_starts.plugin"]

#: A run of hours instead of seconds, for what asks for it: `--hypothesis-profile=long`.
settings.register_profile("long", deadline=None, print_blob=True)


def pytest_collection_finish() -> None:
    """What was collected stays for the whole run: the garbage collector need not look through it each time.

    A sixth of the unit tests' time. What a test makes is collected as ever.
    """
    gc.collect()
    gc.freeze()
