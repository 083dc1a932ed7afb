"""`python -m services.referral.composition.what_if`: tries another directory or policy on recorded events.

A program of its own, that has neither a database nor Kafka nor anybody to call: it cannot write anything.
"""

import sys

import msgspec
from google.protobuf.message import DecodeError

from services.referral.adapters.aggregate_codecs import build_aggregates
from services.referral.adapters.policy_file import load_policy
from services.referral.adapters.target_catalogue import CatalogueInvalid, load_catalogue
from services.referral.application.try_what_if import directory_of, try_what_if
from services.referral.domain.what_if import Changed
from services.referral.entrypoints.what_if_program import document, read_histories, read_order
from services.shared.kernel.refusals import InvalidInput
from services.shared.located.faults import FaultyFile


def main() -> int:
    """Reads everything, writes one document. 0 done, 2 a file or the directory is faulty: said on stderr."""
    try:
        order = read_order(sys.stdin.readline())
        changed = Changed(directory=directory_of(order.directory), policy=load_policy(order.policy).policy)
        targets = load_catalogue(order.targets).clock_targets
        kinds = build_aggregates()
        decoders = {"referral": kinds.referral.decode_event, "episode": kinds.episode.decode_event}
        trial = try_what_if(
            read_histories(sys.stdin, decoders), changed, targets, since=order.since, until=order.until
        )
    except InvalidInput as error:
        faults = [f"{each.field}: {each.description}" for each in error.violations]
        return _give_up(*faults)
    except (CatalogueInvalid, DecodeError, FaultyFile, OSError, msgspec.DecodeError) as error:
        return _give_up(str(error))
    sys.stdout.buffer.write(document(trial, changed.directory))
    return 0


def _give_up(*lines: str) -> int:
    sys.stderr.write("\n".join(lines) + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
