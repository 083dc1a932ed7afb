"""`python -m services.bed`"""

import sys

from services.shared.lifecycle.collector import uncollected

with uncollected():
    from services.bed.main import main

sys.exit(main())
