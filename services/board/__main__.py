"""`python -m services.board`."""

import sys

from services.shared.lifecycle.collector import uncollected

with uncollected():
    from services.board.main import main

if __name__ == "__main__":
    sys.exit(main())
