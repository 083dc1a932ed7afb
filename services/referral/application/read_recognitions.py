"""Whether the results of a referral are recognised at the facility that looks at it."""

from datetime import datetime

from services.referral.application.known_directory import KnownDirectory
from services.referral.domain.offers_found import offer_of
from services.referral.domain.recognition import ResultRecognition, asked_of, recognition
from services.referral.domain.recognition_policy import RecognitionPolicy
from services.referral.domain.referral_state import Referral
from services.shared.kernel.actor import Actor


class ResultRecognitions:
    """Asks the rules with the directory in force."""

    def __init__(self, directory: KnownDirectory, policy: RecognitionPolicy) -> None:
        self._directory = directory
        self._policy = policy

    def of(self, state: Referral, actor: Actor, now: datetime) -> tuple[ResultRecognition, ...]:
        """One for each result: at the actor's facility where it was asked, else at the destination."""
        asked = offer_of(state, actor.facility) is not None
        facility = actor.facility if asked else state.destination_facility
        directory = self._directory.current()
        repeated = {each.result for each in state.result_repeats if each.facility == facility}
        return tuple(
            [
                recognition(
                    asked_of(result, facility, directory=directory, policy=self._policy, now=now),
                    repeated_here=result.name in repeated,
                )
                for result in state.results
            ]
        )
