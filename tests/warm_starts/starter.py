"""The starter: `python -m tests.warm_starts.starter FD`, of one process of tests, which holds the other end.

It has one thread, and nothing but Python and imported modules in it: forking it is safe.
"""

import gc
import os
import socket
import sys
from importlib import import_module

from services.shared.lifecycle.collector import uncollected
from tests.warm_starts.forks import serve
from tests.warm_starts.order import READY
from tests.warm_starts.programs import IMPORTED


def main(asked: socket.socket) -> None:
    """Starts what it is asked for until its process of tests has gone."""
    environment = dict(os.environ)
    with uncollected():
        for module in IMPORTED:
            import_module(module)
    # What all have in common stays shared: the collector would write into every page of it.
    gc.collect()
    gc.freeze()
    asked.send(READY)
    serve(asked, environment)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
