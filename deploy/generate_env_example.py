"""Generates `.env.example`: every variable that Tierlink reads, what it says, and its default.

`--check` compares with the committed file, so that the file never drifts from the settings. What the settings
classes and the commands' options know of themselves is read from them; the few variables that a program reads
by itself are described in `READ_BY_HAND`. A unit test finds any other name in the sources.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer.main
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from services.bed.settings import BedSettings
from services.board.settings import BoardSettings
from services.embedded.cache import CACHE_VARIABLE
from services.embedded.maven import MIRROR_VARIABLE
from services.notification.settings import NotificationSettings
from services.operator.main import app
from services.referral.settings import ReferralSettings
from services.shared.lifecycle.settings import ServiceSettings
from services.shared.rpc.channels import SERVICES

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / ".env.example"
#: Tells a test worker where the run's first process is; set by the tests, never by a person.
INTERNAL = frozenset({"TIERLINK_TEST_STACK_HOST"})

_HEADER = """\
# Every variable that Tierlink reads, with its default. Generated: python deploy/generate_env_example.py
#
# Uncomment what you change. A service reads the environment and, where that is silent, the file `.env` of the
# folder it is started in; the `tierlink` program and the tests read the environment alone.
"""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One line of the file."""

    name: str
    description: str
    default: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Variables that belong together."""

    title: str
    variables: tuple[Variable, ...]


READ_BY_HAND: Mapping[str, tuple[Variable, ...]] = {
    "embedded": (
        Variable(
            name=CACHE_VARIABLE,
            description="folder for what is fetched once for all runs (Kafka's jars)",
            default="~/.cache/tierlink",
        ),
        Variable(
            name=MIRROR_VARIABLE,
            description="Maven mirror that Kafka's jars are fetched from; empty is Maven Central",
        ),
    ),
    "channels": (
        Variable(
            name="TIERLINK_CHANNEL_SECRET",
            description="an example: a channels file names secrets as ${TIERLINK_CHANNEL_…}, any such name",
        ),
    ),
    "client": (
        Variable(
            name="TIERLINK_CLIENT_TLS_CA",
            description="PEM file of the CA that signed the services' certificates; TLS when given",
        ),
        Variable(
            name="TIERLINK_CLIENT_TLS_CERTIFICATE", description="PEM file; mutual TLS with the key as well"
        ),
        Variable(name="TIERLINK_CLIENT_TLS_KEY", description="PEM file"),
    ),
    "tests": (
        Variable(
            name="TIERLINK_TEST_BACKEND",
            description="given, docker or embedded; empty takes the first of them that there is",
        ),
        Variable(
            name="TIERLINK_TEST_KAFKA_BOOTSTRAP",
            description="Kafka of the backend `given`, host:port; set the DSN as well",
        ),
        Variable(
            name="TIERLINK_TEST_POSTGRES_DSN",
            description="PostgreSQL of the backend `given`; its role must be allowed to create databases",
        ),
        Variable(
            name="TIERLINK_TEST_KAFKA_IMAGE",
            description="image of the backend `docker`",
            default="apache/kafka:4.3.1",
        ),
        Variable(
            name="TIERLINK_TEST_POSTGRES_IMAGE",
            description="image of the backend `docker`",
            default="postgres:18",
        ),
        Variable(
            name="TIERLINK_TEST_STARTS",
            description="cold: whatever tests start imports everything anew, as in production",
        ),
        Variable(
            name="TIERLINK_TEST_PROMTOOL",
            description="Prometheus's promtool, which plays the alert rules; empty takes the one of the path",
        ),
        Variable(
            name="TIERLINK_TEST_BED_PROOF_S",
            description="how long the proof that no bed is given twice goes on, in seconds",
            default="10",
        ),
        Variable(
            name="TIERLINK_TEST_BED_PROOF_SEED",
            description="what that proof draws from; a run prints its seed, 0 draws one",
            default="0",
        ),
    ),
}


def sections() -> tuple[Section, ...]:
    """Every variable, in the order of the file."""
    own = {
        name: Section(title=f"The {name} service", variables=tuple(_of_service(settings)))
        for name, settings in _SERVICES.items()
    }
    every = tuple(_of_fields(ServiceSettings, inherited=()))
    # The board reads some of them too; a field of the same name may be a variable of its own.
    named = _NAMED_ELSEWHERE | {variable.name for variable in every}
    return (
        Section(title="Every service", variables=every),
        *own.values(),
        Section(
            title="The board",
            variables=tuple(
                each for each in _of_fields(BoardSettings, inherited=()) if each.name not in named
            ),
        ),
        Section(title="Secrets of channels (docs/channels.md)", variables=READ_BY_HAND["channels"]),
        Section(title="The embedded Kafka and PostgreSQL", variables=READ_BY_HAND["embedded"]),
        Section(
            title="The `tierlink` program as a client of running services",
            variables=(*_of_options(), *READ_BY_HAND["client"]),
        ),
        Section(title="The tests (see CONTRIBUTING.md)", variables=READ_BY_HAND["tests"]),
    )


#: Of the client's section; the board reads them too.
_NAMED_ELSEWHERE = frozenset(variable.name for variable in READ_BY_HAND["client"]) | {
    f"TIERLINK_{name.upper()}_ADDRESS" for name in SERVICES
}

_SERVICES: Mapping[str, type[ServiceSettings]] = {
    "referral": ReferralSettings,
    "bed": BedSettings,
    "notification": NotificationSettings,
}


def _of_service(settings: type[ServiceSettings]) -> Iterator[Variable]:
    return _of_fields(settings, inherited=ServiceSettings.model_fields)


def _of_fields(settings: type[ServiceSettings], *, inherited: Iterable[str]) -> Iterator[Variable]:
    prefix = settings.model_config.get("env_prefix", "")
    known = frozenset(inherited)
    for name, field in settings.model_fields.items():
        if name not in known:
            yield Variable(
                name=_alias(field) or f"{prefix}{name}".upper(),
                description=field.description or "",
                default=_shown(field.default),
            )


def _alias(field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else ""


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return default.value if isinstance(default, StrEnum) else f"{default}"


def _of_options() -> Iterator[Variable]:
    """The variables of the commands' options, each once."""
    # What services read too has been said of them.
    seen = {variable.name for variable in _of_fields(ServiceSettings, inherited=())}
    for option in _options(typer.main.get_command(app)):
        name = option.envvar
        if isinstance(name, str) and name not in seen:
            seen.add(name)
            # The help is in both languages, Chinese first.
            yield Variable(name=name, description=(option.help or "").split(" · ")[-1])


def _options(command: Any) -> Iterator[Any]:
    # Typer brings its own copy of click, so its commands are told by what they have.
    yield from (parameter for parameter in command.params if parameter.param_type_name == "option")
    for child in getattr(command, "commands", {}).values():
        yield from _options(child)


def render() -> str:
    """The file's text. Raises ValueError for a variable without a description, or one that stands twice."""
    lines = [_HEADER]
    names: set[str] = set()
    for section in sections():
        lines.append(f"\n# ---- {section.title}\n")
        for variable in section.variables:
            if not variable.description or variable.name in names:
                raise ValueError(f"{variable.name} has no description, or stands twice")
            names.add(variable.name)
            lines.append(f"\n# {variable.description}\n#{variable.name}={variable.default}\n")
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Writes the file, or compares it. Returns the exit status."""
    text = render()
    if "--check" not in arguments:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    print(
        ".env.example is not what the settings say; run: python deploy/generate_env_example.py",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
