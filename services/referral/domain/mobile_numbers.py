"""Mobile telephone numbers of the mainland: where they stand in a text.

Source: the national numbering plan, mobile services (号段 13–19): eleven digits, the second 3 to 9.
"""

import re

#: Eleven digits, alone or grouped 3-4-4, with or without the country's code.
_NUMBER = r"1[3-9]\d(?:\d{8}|[ -]\d{4}[ -]\d{4})"

#: A part of a longer number or code is none: a barcode, a UID (1.2.840.…), an accession number (LIS-…).
_BEGINS = r"(?:(?<![0-9A-Za-z_./-])|(?<![0-9])(?:\+|00)?86[ -]?)"
_ENDS = r"(?![0-9A-Za-z_]|[.-]\d)"

#: Nor is an amount with its unit: cells, copies, units of a drug.
_UNIT = r"(?:(?:IU|U|CFU|cells?|copies|m?g|m?l)(?![A-Za-z])|单位|个|万|亿|拷贝|[×%]|/\s*[uµμm]?L(?![A-Za-z]))"
_NO_AMOUNT = rf"(?!\s*{_UNIT})"

_MOBILE = re.compile(_BEGINS + _NUMBER + _ENDS + _NO_AMOUNT, re.ASCII | re.IGNORECASE)

MOBILE_LENGTH = 11


def has_mobile_number(text: str) -> bool:
    """Whether a mobile telephone number stands in a text."""
    return _MOBILE.search(text) is not None
