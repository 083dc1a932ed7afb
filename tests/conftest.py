from hypothesis import settings

pytest_plugins = ["tests.stack", "tests.longest_first"]

#: A run of hours instead of seconds, for what asks for it: `--hypothesis-profile=long`.
settings.register_profile("long", deadline=None, print_blob=True)
