"""The referral service as it would be without an audit trail: `python -m services.operator.bench.unaudited`.

Every link of its chains is the same, and nothing is hashed. It is a program of the bench, so that no setting
of the service itself could ever leave the trail out.
"""

import runpy
from typing import Final

from services.shared.kernel import hash_chain

_LINK: Final = bytes(hash_chain.HASH_SIZE_BYTES)


def _constant(previous_hash: bytes, stored_bytes: bytes) -> bytes:
    return _LINK


def main() -> None:
    """Runs the service's own program. The functions are replaced before anybody has taken them by name."""
    setattr(hash_chain, "link", _constant)  # noqa: B010 - a function is not to be assigned to
    setattr(hash_chain, "genesis", _constant)  # noqa: B010
    runpy.run_module("services.referral", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
