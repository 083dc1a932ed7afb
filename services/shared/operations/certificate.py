"""Until when a certificate is valid."""

from datetime import datetime
from pathlib import Path

from cryptography import x509


def valid_until(path: Path | None) -> datetime | None:
    """The end of the first certificate in a PEM file; None without one, or when the file holds none.

    What is wrong with the file is said by the server that is to use it.
    """
    if path is None:
        return None
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
