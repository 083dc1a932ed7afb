"""Random histories of an episode against the running service: it says what the pure core says.

The rules are those of `tests/unit/referral/machine`, in a smaller run: a service with PostgreSQL and Kafka is
asked by gRPC, hears of beds by Kafka and meets deadlines by its worker; both are compared after each step.
An episode begins with a referral, or with a consultation whose TRANSFER recommendation fills one in; others
follow in it: back to the grassroots, by a red flag, or another one once none is live.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from services.embedded.databases import drop_database
from services.referral.domain import commands as c
from services.referral.domain.values import BedType
from services.referral.entrypoints.bed_news import BED_TOPIC
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.actor import Actor, Role
from tests.integration.histories import Beside, Histories
from tests.integration.hospital import BRANCH, CITY, COUNTY, LEVELS, new_id, referral_service
from tests.integration.referral_site import Site
from tests.integration.test_consultation_contract import REPORT, claimed, give
from tests.integration.ward_news import WardBeside
from tests.stack import SharedStack
from tests.unit.referral.machine.forward import GOOD, OVERRIDES, next_command
from tests.unit.referral.referral.network import person
from tests.unit.referral.referral.stories import CREATE

T = TypeVar("T")
Runner = asyncio.Runner

#: Parties of the network of this service.
_NEAR = {"ambulance-120": BRANCH, "jimsar-town": BRANCH, "east-hospital": CITY, "": BRANCH}
_ROLES = (Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.AMBULANCE, Role.COORDINATOR)
seeds = st.integers(0, 2**32 - 1)


@asynccontextmanager
async def _site(stack: SharedStack, folder: Path) -> AsyncIterator[Site]:
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=BED_TOPIC)])
    dsn = await stack.create_database(f"histories_{new_id()[:8]}")
    parts = "grpc,relay,consumer,deadlines"
    async with referral_service(folder, dsn=dsn, kafka=stack.kafka_bootstrap, parts=parts) as (found, _):
        yield Site(found, dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


class ServiceMachine(RuleBasedStateMachine):
    """One episode in the service; each example begins another one."""

    runner: ClassVar[Runner]
    site: ClassVar[Site]
    kafka: ClassVar[str]
    #: what came of the steps of all examples
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        ward = WardBeside(name=f"random-{new_id()[:8]}", kafka=self.kafka)
        self.histories = Histories(site=self.site, ward=ward, patient=f"P-{new_id()[:8]}")

    def _run(self, step: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(step)

    # ---- what can happen

    @initialize(seed=seeds, asks_first=st.booleans())
    def an_episode_begins(self, seed: int, asks_first: bool) -> None:
        if asks_first:
            self._run(self._transfer())
        else:
            assert self._run(self.histories.create(_creation(seed), _CLINICIAN))

    @rule(seed=seeds)
    def another_is_created(self, seed: int) -> None:
        """In the same episode: while one is live, nobody can."""
        self._run(self.histories.create(_creation(seed), _CLINICIAN))

    @rule(index=st.integers(0, 9), kind=st.sampled_from(list(GOOD)), seed=seeds)
    def somebody_tries(self, index: int, kind: type[c.Command], seed: int) -> None:
        """Anything, by anybody, whoever's turn it is."""
        chance, charts = Random(seed), self.histories.charts
        chart = charts[index % len(charts)]
        command = _here(GOOD[kind](chart.referral, chance.getrandbits(16)))
        roles = chance.choice([_ROLES, *((role,) for role in _ROLES)])
        self._run(self.histories.give(chart, command, person(chance.choice(sorted(LEVELS)), *roles)))

    @rule(seed=seeds)
    def it_goes_on(self, seed: int) -> None:
        """Some good steps on the latest referrals, due deadlines between them: histories must get to ends."""
        chance = Random(seed)
        for _ in range(chance.randint(3, 9)):
            chart = chance.choice(self.histories.charts[-2:])
            chosen = next_command(chart.referral, chance.getrandbits(16))
            if chance.random() < 0.15:
                self._run(self.histories.deadline_is_due(chart, chance))
            elif chosen is not None:
                command, actor = chosen
                actor = replace(actor, facility=_NEAR.get(actor.facility, actor.facility))
                self._run(self.histories.give(chart, _back_home(command, chart), actor))

    @rule(index=st.integers(0, 9), seed=seeds)
    def a_deadline_is_due(self, index: int, seed: int) -> None:
        charts = self.histories.charts
        self._run(self.histories.deadline_is_due(charts[index % len(charts)], Random(seed)))

    @rule(seed=seeds)
    def the_bed_service_speaks(self, seed: int) -> None:
        self._run(self.histories.bed_is_followed(self.histories.charts[-1], Random(seed)))

    def teardown(self) -> None:
        self._run(self.histories.verify())
        self.seen.update(self.histories.seen)

    async def _transfer(self) -> None:
        """A question that is answered with TRANSFER, and the referral that this fills in."""
        site, patient = self.site, self.histories.patient
        name, expert = await claimed(site, patient=patient)
        transfer = {"destinations": [COUNTY], "bed_type": "BED_TYPE_CCU", "referral_reason": "急诊 PCI"}
        report = REPORT | {"recommendation": "RECOMMENDATION_TRANSFER", "transfer": transfer}
        asked = await give(site, "ReportConsultation", name, expert, report=report)
        chart = await self.histories.follow(name, _CLINICIAN)
        assert (chart.referral.episode, chart.referral.bed_type) == (asked.episode, BedType.CCU)
        assert chart.referral.destination_facility == COUNTY


_CLINICIAN = Actor(user="dr", name="Dr", facility=BRANCH, roles=(Role.CLINICIAN,))


def _creation(seed: int) -> c.CreateReferral:
    chance = Random(seed)
    return replace(
        CREATE,
        destinations=tuple(chance.sample((COUNTY, CITY), k=chance.randint(1, 2))),
        overrides=OVERRIDES,
        bed_type=chance.choice((None, BedType.STROKE_UNIT)),
    )


def _here(command: c.Command) -> c.Command:
    """The same in the network of this service."""
    if isinstance(command, c.ReferBack | c.DivertPatient):
        near = _NEAR.get(command.destination_facility, command.destination_facility)
        return replace(command, destination_facility=near)
    return command


def _back_home(command: c.Command, chart: Beside) -> c.Command:
    if isinstance(command, c.ReferBack):
        return replace(command, destination_facility=chart.referral.origin_facility)
    return _here(command)


_SETTINGS = settings(
    max_examples=12,
    stateful_step_count=16,
    deadline=None,
    derandomize=True,
    database=None,
    # A failing history is told as it was: to shrink it would run the service for minutes.
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
#: Histories that never get there would prove nothing.
_WANTED = ("followed", "opened", "second refused", "deadlines")
#: What the examples are hangs on the process that draws them. Where none gets so far, straighter ones do.
_STRAIGHT_MAX = 12
_STRAIGHT_STEPS_MAX = 8


def _go_straight(machine: type[ServiceMachine], seen: Counter[str]) -> None:
    """Histories of good steps and nothing else, until everything that is wanted has been seen."""
    for number in range(_STRAIGHT_MAX):
        if all(seen[what] for what in _WANTED):
            return
        history = machine()
        history.an_episode_begins(seed=number, asks_first=bool(number % 2))
        history.another_is_created(seed=number)
        for step in range(_STRAIGHT_STEPS_MAX):
            history.it_goes_on(seed=number * _STRAIGHT_STEPS_MAX + step)
        history.a_deadline_is_due(index=0, seed=number)
        history.teardown()


def test_the_service_says_what_the_pure_core_says(
    stack: SharedStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Runner() as runner:
        opened = _site(stack, tmp_path_factory.mktemp("histories"))
        site = runner.run(opened.__aenter__())
        try:
            seen: Counter[str] = Counter()
            parts = {"runner": runner, "site": site, "kafka": stack.kafka_bootstrap, "seen": seen}
            machine = type("BoundMachine", (ServiceMachine,), parts)
            run_state_machine_as_test(machine, settings=_SETTINGS)  # type: ignore[no-untyped-call]
            _go_straight(machine, seen)
        finally:
            runner.run(opened.__aexit__(None, None, None))
    for what in _WANTED:
        assert seen[what], f"no history has {what}: {seen}"
