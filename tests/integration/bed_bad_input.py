"""A request of each RPC of BedService that is wrong in every field that can be, and the fields that are."""

from typing import Any

from tests.integration.hospital import COUNTY, new_id
from tierlink.bed.v1 import bed_service_pb2 as pb

_LONG = "x" * 65
_REFERRAL = f"referrals/{new_id()}"

#: Requests by what is wrong in them.
BAD: tuple[tuple[Any, set[str]], ...] = (
    (pb.ApplyWardsRequest(request_id="x", facility=_LONG), {"request_id", "facility", "wards"}),
    (
        pb.ApplyWardsRequest(
            request_id=new_id(),
            wards=[pb.WardSpecification(bed_count=501, reserved_for_referrals=-1, beds=[{"id": ""}])],
        ),
        {
            "wards[0].id",
            "wards[0].bed_type",
            "wards[0].bed_count",
            "wards[0].reserved_for_referrals",
            "wards[0].beds[0].id",
        },
    ),
    (pb.ListBedsRequest(page_size=-1, page_token="x" * 1025), {"page_size", "page_token", "facility"}),
    (
        pb.SearchBedsRequest(origin=_LONG, travel_minutes_max=-1, sex="X", age_years=151),
        {"origin", "travel_minutes_max", "sex", "age_years"},
    ),
    (pb.GetAvailabilityRequest(), {"facilities"}),
    (pb.GetAvailabilityRequest(facilities=["", _LONG]), {"facilities[0]", "facilities[1]"}),
    (
        pb.WatchAvailabilityRequest(resume_token="x" * 4097, facilities=[""]),
        {"resume_token", "facilities[0]"},
    ),
    (
        pb.HoldBedRequest(request_id="x", expected_version=-1, referral="r", sex="X", age_years=-1),
        {
            "request_id",
            "expected_version",
            "facility",
            "referral",
            "patient",
            "bed_type",
            "expires_at",
            "sex",
            "age_years",
        },
    ),
    (
        pb.ExtendHoldRequest(request_id=new_id(), hold="h"),
        {"hold", "fencing_token", "expires_at"},
    ),
    (pb.ReleaseHoldRequest(request_id=new_id(), hold="h"), {"hold", "fencing_token", "reason"}),
    (
        pb.OccupyBedRequest(request_id="", hold="h", fencing_token=-1, bed=_LONG, patient=_LONG),
        {"request_id", "ward", "hold", "fencing_token", "bed", "patient"},
    ),
    (pb.VacateBedRequest(request_id=new_id(), ward=_LONG), {"ward", "bed"}),
    (pb.MarkBedReadyRequest(request_id=new_id()), {"ward", "bed"}),
    (
        pb.TransferBedRequest(request_id=new_id(), to_ward=_LONG),
        {"ward", "from_bed", "to_bed", "to_ward"},
    ),
    (pb.BlockBedRequest(request_id=new_id()), {"ward", "bed", "reason"}),
    (pb.UnblockBedRequest(request_id=new_id()), {"ward", "bed"}),
    (pb.ConfirmCountsRequest(request_id=new_id()), {"ward", "counts"}),
    (
        pb.JoinWaitingListRequest(request_id="x", facility=COUNTY, referral="r", patient="P"),
        {"request_id", "referral", "bed_type", "urgency"},
    ),
    (pb.LeaveWaitingListRequest(request_id=new_id(), referral=_REFERRAL), {"facility", "reason"}),
    (
        pb.AdmitPatientRequest(request_id=new_id(), sex="X", age_years=200),
        {"patient", "encounter", "sex", "age_years"},
    ),
    (pb.TransferPatientRequest(request_id=new_id()), {"encounter"}),
    (pb.DischargePatientRequest(request_id=new_id(), encounter="e" * 65), {"encounter"}),
    (pb.ListWaitingRequest(), {"facility"}),
)
