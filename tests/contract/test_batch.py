"""A batch may have every command of the referral service, and each one's own reply."""

from google.protobuf.descriptor import ServiceDescriptor

from tierlink.referral.v1 import (
    batch_service_pb2,
    consultation_service_pb2,
    episode_service_pb2,
    referral_service_pb2,
    standing_service_pb2,
)

ITEM = batch_service_pb2.BatchItem.DESCRIPTOR.oneofs_by_name["command"]
RESULT = batch_service_pb2.BatchResult.DESCRIPTOR.oneofs_by_name["outcome"]
MODULES = (
    referral_service_pb2,
    consultation_service_pb2,
    episode_service_pb2,
    standing_service_pb2,
)


def services() -> list[ServiceDescriptor]:
    return [service for module in MODULES for service in module.DESCRIPTOR.services_by_name.values()]


def test_every_command_may_be_in_a_batch() -> None:
    commands = {
        method.input_type.full_name
        for service in services()
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    }
    assert {field.message_type.full_name for field in ITEM.fields} == commands


def test_a_result_has_the_command_s_reply_under_its_name_and_number() -> None:
    replies = {
        method.input_type.full_name: method.output_type.full_name
        for service in services()
        for method in service.methods
    }
    expected = [(field.name, field.number, replies[field.message_type.full_name]) for field in ITEM.fields]
    found = [(field.name, field.number, field.message_type.full_name) for field in RESULT.fields]
    assert [each for each in found if each[0] not in ("status", "carried_out")] == expected


def test_a_field_of_an_item_is_called_after_its_command() -> None:
    for field in ITEM.fields:
        name = "".join(part.capitalize() for part in field.name.split("_"))
        assert field.message_type.name == f"{name}Request"
