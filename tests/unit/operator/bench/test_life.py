"""A life's requests: made of bytes, and still what the contract says."""

from services.operator.bench.life import Life, commands_of_a_life, lives, referral_in
from services.operator.rpc.methods import rpc_methods
from tierlink.referral.v1 import referral_pb2, referral_service_pb2

NAME = "referrals/0b9c5a52-6a4e-4f3e-9d0f-2f6c1b8a7e55"


def one_life(life: Life) -> list[object]:
    """The six requests of one referral, read back."""
    found: list[object] = []
    for _ in life.commands:
        request = life.next_request()
        found.append(rpc_methods()[request.command.method].request_type.FromString(request.data))
        reply = referral_service_pb2.CreateReferralResponse(referral=referral_pb2.Referral(name=NAME))
        life.answered(reply.SerializeToString())
    return found


def test_a_life_is_created_accepted_moved_and_arrives() -> None:
    methods = [command.method for command in commands_of_a_life()]
    assert methods[0] == "CreateReferral"
    assert methods[-1] == "ReportArrival"
    assert len(methods) == 6


def test_changes_are_addressed_to_the_referral_that_was_answered() -> None:
    create, *changes = one_life(next(lives(1, "a")))
    assert {change.name for change in changes} == {NAME}  # type: ignore[attr-defined]
    assert changes[-1].patient == create.patient  # type: ignore[attr-defined]


def test_every_request_has_an_id_of_its_own_and_every_life_a_patient() -> None:
    life = next(lives(1, "a"))
    requests = [*one_life(life), *one_life(life)]
    assert len({request.request_id for request in requests}) == 12  # type: ignore[attr-defined]
    assert len({request.patient for request in requests if hasattr(request, "patient")}) == 2


def test_a_seed_draws_the_same_requests_again_and_another_seed_others() -> None:
    def drawn(seed: str) -> bytes:
        return next(lives(1, seed)).next_request().data

    assert drawn("a") == drawn("a") != drawn("b")


def test_a_round_that_ends_before_the_answer_sends_the_same_command_again() -> None:
    life = next(lives(1, "a"))
    assert life.next_request().command == life.next_request().command


def test_the_name_is_found_in_a_reply_without_reading_it() -> None:
    reply = referral_service_pb2.CreateReferralResponse(
        referral=referral_pb2.Referral(name=NAME, episode="episodes/x")
    )
    assert referral_in(reply.SerializeToString()) == NAME.encode()
