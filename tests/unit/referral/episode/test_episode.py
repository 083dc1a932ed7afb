"""Commands on an episode: each taken, and each guard refused."""

import pytest

from services.referral.domain import episode
from services.referral.domain.episode_commands import (
    CloseEpisode,
    EpisodeCommand,
    JoinEpisode,
    OpenEpisode,
    RecordMilestone,
)
from services.referral.domain.episode_events import EpisodeClosed, EpisodeJoined
from services.referral.domain.episode_transitions import TABLE
from services.referral.domain.episode_values import EpisodeState, OnwardMove
from services.referral.domain.milestones import MilestoneKind as Kind
from services.referral.domain.values import Pathway
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted
from tests.unit.referral.episode.scenario import (
    AMBULANCE,
    BED_DESK,
    BRANCH,
    CONSULTATION,
    COORDINATOR,
    COUNTY,
    EXPERT,
    OPERATOR,
    PHYSICIAN,
    PREFECTURE,
    QITAI_COORDINATOR,
    REFERRAL,
    STRANGER,
    SYSTEM,
    TOWN,
    Story,
    an_episode,
    context,
    joined,
    minute,
    opened,
    person,
)
from tests.unit.referral.referral.network import DIRECTORY

OPEN = OpenEpisode(patient="p-1", pathway=Pathway.STROKE)
REFER = JoinEpisode(
    member=REFERRAL, patient="p-1", facilities=(BRANCH, COUNTY, BRANCH), sending_facility=BRANCH
)


@pytest.mark.parametrize("actor", [PHYSICIAN, AMBULANCE])
def test_a_facility_opens_an_episode(actor: Actor) -> None:
    story = Story().when(OPEN, actor).then(opened())
    assert story.here.state is EpisodeState.OPEN
    assert story.here.facilities == (BRANCH,)
    assert story.here.opened_by_facility == BRANCH
    assert episode.allowed_commands(story.here) == (
        "RecordMilestone",
        "CorrectMilestone",
        "ExcludeClock",
        "LiftClockExclusion",
        "CloseEpisode",
    )


def test_who_opens_is_a_clinician_or_a_crew_of_a_facility() -> None:
    for actor in (BED_DESK, COORDINATOR, SYSTEM, person("nobody", "")):
        Story().when(OPEN, actor).refused(NotPermitted, "OPENER_ONLY")


def test_an_episode_opens_once() -> None:
    an_episode().when(OPEN, PHYSICIAN).refused(NotAllowed, "NOT_ALLOWED_IN_STATE")


def test_a_referral_joins_and_sends_the_patient_on() -> None:
    event = joined(BRANCH, COUNTY, member=REFERRAL, sending=BRANCH)
    story = Story().given(opened()).when(REFER, PHYSICIAN, at=70, received=75).then(event)
    assert story.here.members == (REFERRAL,)
    assert story.here.facilities == (BRANCH, COUNTY)
    assert story.here.moves == (OnwardMove(member=REFERRAL, sending_facility=BRANCH, decided_at=minute(70)),)


def test_a_consultation_joins_without_moving_the_patient() -> None:
    assert an_episode().here.members == (CONSULTATION,)
    assert an_episode().here.moves == ()


def test_joining_again_records_only_what_is_new() -> None:
    story = Story().given(opened()).when(REFER, PHYSICIAN).holds()
    story.when(REFER, PHYSICIAN).then()
    rerouted = JoinEpisode(
        member=REFERRAL, patient="p-1", facilities=(BRANCH, PREFECTURE), sending_facility=BRANCH
    )
    # whose command re-routes or diverts has been decided by the referral
    crew = person("crew", "emergency-120", Role.AMBULANCE)
    story = story.when(rerouted, crew).then(joined(BRANCH, PREFECTURE, member=REFERRAL, sending=BRANCH))
    assert story.here.facilities == (BRANCH, COUNTY, PREFECTURE)
    assert len(story.here.moves) == 1


def test_a_member_known_by_its_consultation_may_still_turn_out_to_send_the_patient_on() -> None:
    story = Story().given(opened(), joined(BRANCH, COUNTY, member=REFERRAL))
    assert story.when(REFER, PHYSICIAN).holds().here.moves[0].sending_facility == BRANCH


def test_a_new_member_comes_from_a_facility_that_takes_part() -> None:
    story = Story().given(opened())
    for outsider in (STRANGER, OPERATOR, person("nobody", "")):
        story.when(REFER, outsider).refused(NotFound)
    story.when(REFER, QITAI_COORDINATOR).refused(NotFound)
    for insider in (PHYSICIAN, SYSTEM, COORDINATOR):
        story.when(REFER, insider).holds()


def test_two_patients_never_share_an_episode() -> None:
    other = JoinEpisode(member=REFERRAL, patient="p-2", facilities=(BRANCH,), sending_facility="")
    an_episode().when(other, PHYSICIAN).refused(NotAllowed, "SAME_PATIENT")
    an_episode().closed().when(other, PHYSICIAN).refused(NotAllowed, "NOT_ALLOWED_IN_STATE", "SAME_PATIENT")


def test_nothing_joins_a_closed_episode() -> None:
    refusal = an_episode().closed().when(REFER, PHYSICIAN).refused(NotAllowed, "NOT_ALLOWED_IN_STATE")
    assert isinstance(refusal, NotAllowed)
    assert refusal.state == "CLOSED"
    assert refusal.allowed_commands == ("CorrectMilestone", "ExcludeClock", "LiftClockExclusion")


def test_an_episode_closes_when_nothing_in_it_is_live() -> None:
    story = an_episode()
    refusal = story.when(CloseEpisode(), PHYSICIAN, live_members=(CONSULTATION,)).refused(
        NotAllowed, "NOTHING_LIVE"
    )
    assert CONSULTATION in str(refusal)
    for actor in (PHYSICIAN, EXPERT, COORDINATOR, SYSTEM):
        closed = story.when(CloseEpisode(), actor, live_members=()).then(EpisodeClosed())
        assert closed.here.state is EpisodeState.CLOSED
        assert episode.facets(closed.here)["live"] is False


def test_who_did_not_look_for_live_members_closes_nothing() -> None:
    an_episode().when(CloseEpisode(), PHYSICIAN).refused(NotAllowed, "NOTHING_LIVE")
    Story().given(opened()).when(CloseEpisode(), PHYSICIAN).then(EpisodeClosed())


def test_who_may_not_close() -> None:
    for actor in (BED_DESK, AMBULANCE, OPERATOR):
        an_episode().when(CloseEpisode(), actor, live_members=()).refused(NotPermitted, "CLOSER_ONLY")
    for stranger in (STRANGER, QITAI_COORDINATOR):
        an_episode().when(CloseEpisode(), stranger, live_members=()).refused(NotFound)
    an_episode().closed().when(CloseEpisode(), PHYSICIAN, live_members=(CONSULTATION,)).refused(
        NotAllowed, "NOT_ALLOWED_IN_STATE", "NOTHING_LIVE"
    )


@pytest.mark.parametrize("command", [REFER, RecordMilestone(kind=Kind.ONSET), CloseEpisode()])
def test_nothing_happens_to_what_does_not_exist(command: EpisodeCommand) -> None:
    Story().when(command, PHYSICIAN).refused(NotFound)


def test_facets_name_who_may_read() -> None:
    assert episode.facets(an_episode().given(joined(TOWN, member=REFERRAL)).here) == {
        "parties": [COUNTY, TOWN, BRANCH],
        "live": True,
        "state": "OPEN",
        "patient": "p-1",
        "pathway": "STROKE",
        "created": minute(0).isoformat(),
    }
    assert episode.deadlines(an_episode().here) == ()


def test_the_table_names_every_command_and_event() -> None:
    assert {row.command for row in TABLE} == set(episode.COMMANDS)
    assert {row.event for row in TABLE} == set(episode.EVENTS)


def test_a_history_begins_with_its_opening_and_has_one() -> None:
    with pytest.raises(ValueError, match="begins with EpisodeJoined"):
        Story().given(EpisodeJoined(member=REFERRAL, facilities=(), sending_facility=""))


@pytest.mark.parametrize("patient", ["张三 13812345678", "p 1", "p" * 65])
def test_an_episode_is_a_pseudonyms(patient: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        episode.decide(
            None,
            OpenEpisode(patient=patient, pathway=Pathway.STROKE),
            context(PHYSICIAN, 0, 0),
            directory=DIRECTORY,
        )
    assert {each.field for each in caught.value.violations} == {"patient"}
