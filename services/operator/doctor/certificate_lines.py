"""What is to be said of a certificate's end."""

from datetime import datetime, timedelta

from services.operator.doctor.verdict import Finding, Line

#: Names the line of the certificate that Kafka is shown.
OWN_CERTIFICATE = "TIERLINK_KAFKA_CERTIFICATE"
_ENDS, _SOON = timedelta(days=30), timedelta(days=7)


def certificate_line(area: str, until: datetime, now: datetime, *, subject: str = "") -> Line:
    """Its line, by the time that is left."""
    left = until - now
    if left <= timedelta():
        finding = Finding.CERTIFICATE_EXPIRED
    elif left < _SOON:
        finding = Finding.CERTIFICATE_SOON
    elif left < _ENDS:
        finding = Finding.CERTIFICATE_ENDS
    else:
        finding = Finding.CERTIFICATE_GOOD
    values: dict[str, str | int | float] = {"until": f"{until:%Y-%m-%d}", "days": left.days}
    return Line(area=area, subject=subject, finding=finding, values=values)
