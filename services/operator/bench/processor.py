"""How much processor time a process has taken, from what Linux says of it."""

import os
from pathlib import Path


def processor_s(pid: int) -> float:
    """Seconds in user and system mode, of all threads. Raises OSError when there is no such process."""
    after_name = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
