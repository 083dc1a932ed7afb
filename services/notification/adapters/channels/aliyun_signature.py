"""Signature of Alibaba Cloud's RPC interfaces, version 1.0 (阿里云 RPC 风格签名机制).

Parameters sorted by name, each name and value percent-encoded by RFC 3986, joined; then HMAC-SHA1 over
`METHOD&%2F&encoded(query)` with the secret and an ampersand as key.
"""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def signature(parameters: Mapping[str, str], secret: str, *, method: str) -> str:
    """The value of `Signature`, which must not be among `parameters`."""
    signed = f"{method}&{_encoded('/')}&{_encoded(canonical_query(parameters))}"
    # SHA-1 is the interface's, not a choice; as an HMAC it is not known to be broken.
    digest = hmac.digest(f"{secret}&".encode(), signed.encode(), "sha1")
    return base64.b64encode(digest).decode()


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The parameters in the order and encoding in which they are signed; a form's body as well."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(parameters.items()))


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
