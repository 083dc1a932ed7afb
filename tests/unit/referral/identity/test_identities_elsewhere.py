"""No identity number in a question or in an episode: events are read by many."""

from dataclasses import replace

import pytest

from services.referral.domain import consultation
from services.referral.domain import episode as episodes
from services.referral.domain.consultation_commands import ConsultationCommand, RequestConsultation
from services.referral.domain.episode_commands import OpenEpisode
from services.referral.domain.values import Pathway
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.consultation.events import BRANCH, REQUEST, START
from tests.unit.referral.consultation.scenario import POLICY
from tests.unit.referral.episode.scenario import PHYSICIAN, context
from tests.unit.referral.identity.people import RESIDENT
from tests.unit.referral.referral.network import DIRECTORY


def _refused_fields(command: ConsultationCommand) -> list[str]:
    asked = CommandContext(request_id="story", actor=BRANCH, occurred_at=START, recorded_at=START)
    with pytest.raises(InvalidInput) as refused:
        consultation.decide(
            None,
            command,
            asked,
            policy=POLICY,
            directory=DIRECTORY,
            centre_capabilities=frozenset({"STROKE", "IMAGING", "ECG"}),
        )
    assert RESIDENT not in str(refused.value)
    return [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize("field", ["patient", "question"])
def test_a_request_with_an_identity_number_is_refused_by_its_field(field: str) -> None:
    command: RequestConsultation = replace(REQUEST, **{field: f"{RESIDENT}"})
    assert _refused_fields(command) == [field]


def test_an_episode_is_of_a_pseudonym() -> None:
    opening = OpenEpisode(patient=RESIDENT, pathway=Pathway.STROKE)
    with pytest.raises(InvalidInput) as refused:
        episodes.decide(None, opening, context(PHYSICIAN, 0, 0), directory=DIRECTORY)
    assert [violation.field for violation in refused.value.violations] == ["patient"]
