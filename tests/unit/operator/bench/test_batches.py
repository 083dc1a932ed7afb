"""Commands as items of batches, and the processor time of a process."""

import os
import time
from random import Random

from services.operator.bench.jobs.batches import batch_of
from services.operator.bench.life import Life, commands_of_a_life
from services.operator.bench.processor import processor_seconds
from tierlink.referral.v1 import batch_service_pb2 as pb


def test_a_batch_has_each_life_s_command_under_its_own_name() -> None:
    commands = commands_of_a_life()
    lives = [Life(commands, Random(f"seed/{number}")) for number in range(3)]
    for command in commands:
        requests = [life.next_request() for life in lives]
        batch = pb.SubmitBatchRequest.FromString(batch_of(requests))
        assert {item.WhichOneof("command") for item in batch.items} == {command.field}
        found = [getattr(item, command.field).SerializeToString() for item in batch.items]
        assert found == [request.data for request in requests]
        for life in lives:
            life.answered(b"referrals/00000000-0000-4000-8000-000000000002")


def test_processor_time_is_what_the_process_took() -> None:
    before_s, begun_s = processor_seconds([os.getpid()]), time.process_time()
    while time.process_time() - begun_s < 0.2:
        pass
    # The system counts in hundredths.
    assert 0.15 < processor_seconds([os.getpid()]) - before_s < 1.0
