"""A program that says how it was started: `python -m tests.warm_starts.probe …`."""

import io
import json
import os
import signal
import sys
import warnings

if __name__ == "__main__":
    said = {
        "arguments": sys.argv[1:],
        "program": os.path.basename(sys.argv[0]),  # noqa: PTH119
        "cwd": os.getcwd(),  # noqa: PTH109
        "looks_first_in": sys.path[0],
        "environment": dict(os.environ),
        "files": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:-1],  # noqa: PTH208
        "parent": os.getppid(),
        "leads_session": os.getsid(0) == os.getpid(),
        "interrupted_by": str(signal.getsignal(signal.SIGINT)),
        "signals": [str(signal.getsignal(each)) for each in (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE)],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "warns_first": [str(each[:3]) for each in warnings.filters[:2]],
        "encodings": [sys.stdin.encoding, sys.stdout.encoding, sys.stderr.encoding],
        "buffers": [
            (each.line_buffering, each.write_through, each.newlines, each.errors, type(each.buffer).__name__)
            for each in (sys.stdin, sys.stdout, sys.stderr)
            if isinstance(each, io.TextIOWrapper)
        ],
        "read": sys.stdin.read(),
        "is_warm": "services.referral.main" in sys.modules,
    }
    sys.stdout.write(json.dumps(said) + "\n")
    if "--stay" in sys.argv:
        sys.stdout.flush()
        while True:
            signal.pause()
    sys.stderr.write("beside")
    sys.exit(7)
