"""Which items of a batch wait for each other: those that name one thing, or what another one creates."""

from services.referral.entrypoints.grpc.batch_service import SUBMIT, things_named
from services.shared.kernel.ids import resource_name
from tierlink.referral.v1 import batch_service_pb2, referral_service_pb2, standing_service_pb2

_REQUEST = "5A0E2C9C-0B0A-4B3E-9C57-0A1B2C3D4E5F"


def test_an_acceptance_is_about_the_standing_order_that_it_may_open() -> None:
    accepted = referral_service_pb2.AcceptReferralRequest(request_id=_REQUEST, name="referrals/r")
    order = resource_name("standing_orders", _REQUEST.lower())
    later = standing_service_pb2.SuspendStandingRequest(request_id="another", name=order)
    assert set(things_named(accepted)) & set(things_named(later)) == {order}
    assert "referrals/r" in set(things_named(accepted))


def test_every_command_of_a_batch_says_what_it_is_about() -> None:
    item = batch_service_pb2.BatchItem()
    for field in item.DESCRIPTOR.oneofs_by_name["command"].fields:
        request = getattr(item, field.name)
        request.request_id = _REQUEST
        named = next(
            name
            for name in ("name", "patient", "referral", "episode")
            if name in request.DESCRIPTOR.fields_by_name
        )
        setattr(request, named, "x/1")
        assert {"x/1", _REQUEST.lower()} <= set(SUBMIT.about(request)), field.name
