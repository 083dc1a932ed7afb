"""Whether a ratio has fallen against the one that is kept, and the file of those that are."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.operator.bench.figures import Section
from services.operator.bench.machine import Machine
from services.operator.bench.plan import Plan
from services.operator.bench.worker_process import BenchFailed

SCHEMA = "tierlink.bench.guard/1"
#: A ratio below so much of the one that is kept has fallen.
LEAST_SHARE = 2 / 3


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRatio:
    """What a ratio was when it was kept."""

    section: str
    name: str
    median: float
    #: of all turns: how far apart they were
    lowest: float
    highest: float

    @property
    def least(self) -> float:
        """What is no fall yet."""
        return self.median * LEAST_SHARE


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A kept ratio beside the one that was found."""

    kept: KeptRatio
    #: None where it was not measured
    found: float | None

    @property
    def has_fallen(self) -> bool:
        """Whether it did; a ratio that nobody measures any more has."""
        return self.found is None or self.found < self.kept.least


def judged(kept: Sequence[KeptRatio], sections: Sequence[Section]) -> tuple[Verdict, ...]:
    """Each kept ratio, in order. Where a section was measured again, the best of its medians counts:
    a disturbance falls once, what has become slower falls each time."""
    found: dict[tuple[str, str], float] = {}
    for section in sections:
        for ratio in section.ratios:
            key = (section.key, ratio.key)
            found[key] = max(ratio.median, found.get(key, 0.0))
    return tuple(Verdict(kept=each, found=found.get((each.section, each.name))) for each in kept)


def keep(sections: Sequence[Section]) -> tuple[KeptRatio, ...]:
    """Each ratio of these sections as it is now."""
    return tuple(
        KeptRatio(
            section=section.key,
            name=ratio.key,
            median=ratio.median,
            lowest=min(ratio.by_turn),
            highest=max(ratio.by_turn),
        )
        for section in sections
        for ratio in section.ratios
    )


def kept_document(kept: Sequence[KeptRatio], machine: Machine, plan: Plan, made_at: str) -> dict[str, Any]:
    """The file: the ratios, and what they were measured on."""
    return {
        "schema": SCHEMA,
        "made_at": made_at,
        "machine": asdict(machine),
        "terms": {"seconds": plan.seconds, "turns": plan.turns, "concurrency": plan.concurrency},
        "ratios": [asdict(each) for each in kept],
    }


def read_kept(path: Path) -> tuple[KeptRatio, ...]:
    """The ratios of a file. Raises BenchFailed when it is none, or has none."""
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["schema"] != SCHEMA:
            raise BenchFailed(f"{path}: {document['schema']} is not {SCHEMA}")
        kept = tuple(KeptRatio(**each) for each in document["ratios"])
    except OSError as error:
        raise BenchFailed(str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BenchFailed(f"{path} has no kept ratios: {error}") from error
    if not kept:
        raise BenchFailed(f"{path} keeps no ratio: nothing would ever fall")
    return kept
