"""Why a command or a question is refused. The RPC layer maps each to one status with its details."""

from dataclasses import dataclass

from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldViolation:
    """One wrong field. `field` is its path in the request, such as `offer.eta`."""

    field: str
    reason: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedRule:
    """One guard or norm that did not hold."""

    #: stable upper-case code, such as `BED_NOT_HELD`
    code: str
    text: BilingualText


class Refused(Exception):
    """A request that was understood and not carried out. Nothing was written."""


class InvalidInput(Refused):
    """Fields are wrong; every violation is named at once."""

    def __init__(self, *violations: FieldViolation) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations

    def below(self, path: str) -> "InvalidInput":
        """The same, in the same words, of a request that is a part of another one: under `path`."""
        found = InvalidInput(
            *(
                FieldViolation(
                    field=f"{path}.{each.field}" if each.field else path,
                    reason=each.reason,
                    description=each.description,
                )
                for each in self.violations
            )
        )
        found.args = self.args
        return found


class Unauthenticated(Refused):
    """No valid credentials. `reason` is a stable upper-case code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotPermitted(Refused):
    """The actor's facility or roles may not do this. `reason` is a stable upper-case code."""

    def __init__(self, reason: str, text: BilingualText) -> None:
        super().__init__(text.en)
        self.reason = reason
        self.text = text


class NotFound(Refused):
    """No such resource, or none that the caller may know of."""

    def __init__(self, resource_type: str, resource_name: str) -> None:
        super().__init__(f"{resource_type} {resource_name} not found")
        self.resource_type = resource_type
        self.resource_name = resource_name


class RequestIdReused(Refused):
    """The request id was used before with another body."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request id {request_id} was used before with another body")
        self.request_id = request_id


class NotAllowed(Refused):
    """Not allowed in this state, or a guard fails."""

    def __init__(
        self,
        *,
        state: str,
        allowed_commands: tuple[str, ...],
        failed_rules: tuple[FailedRule, ...],
        resource_name: str = "",
    ) -> None:
        super().__init__("; ".join(rule.text.en for rule in failed_rules))
        self.state = state
        self.allowed_commands = allowed_commands
        self.failed_rules = failed_rules
        self.resource_name = resource_name


class StaleVersion(Refused):
    """The caller decided on a version that is not the current one."""

    def __init__(self, *, resource_name: str, expected: int, current: int) -> None:
        super().__init__(f"{resource_name} is at version {current}, not {expected}")
        self.resource_name = resource_name
        self.expected = expected
        self.current = current


class Overloaded(Refused):
    """More work than the bounds allow; safe to retry with the same request id."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DependencyDown(Refused):
    """A dependency is down or an outcome is unknown; safe to retry with the same request id."""

    def __init__(self, dependency: str, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.dependency = dependency
        self.retry_after_s = retry_after_s


class KafkaAway(DependencyDown):
    """Kafka is down, and somebody waits for what it has: no command ever does."""

    def __init__(self, message: str) -> None:
        self.text = BilingualText(zh="服务读不到 Kafka 中的事件", en="the service cannot read from Kafka")
        super().__init__("kafka", message)


class OutOfTime(Refused):
    """The caller's deadline came first; safe to retry with the same request id. `reason` is a stable code."""

    def __init__(self, reason: str, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_s = retry_after_s


class DiskFull(DependencyDown):
    """PostgreSQL has no room to write. Nothing was written, and waiting alone does not help."""

    def __init__(self) -> None:
        self.text = BilingualText(zh="PostgreSQL 的磁盘已满", en="the disk of PostgreSQL is full")
        super().__init__("postgresql", self.text.en, retry_after_s=5.0)
