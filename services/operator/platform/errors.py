"""What can go wrong with the platform's processes."""


class PlatformError(Exception):
    """A process could not be started or kept running; the text is meant for a person."""
