"""What was wrong with what was read."""

#: Faults that are told; all are counted.
_TOLD_MAX = 100


class Faults:
    """The first faults, and how many there are."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.count = 0

    def tell(self, fault: str) -> None:
        self.count += 1
        if len(self.told) < _TOLD_MAX:
            self.told.append(fault)

    def take(self, other: "Faults") -> None:
        """Goes on with what another found."""
        self.count += other.count
        self.told += other.told[: max(_TOLD_MAX - len(self.told), 0)]
