"""`python -m services.referral`"""

import sys

from services.shared.lifecycle.collector import uncollected

with uncollected():
    from services.referral.main import main

sys.exit(main())
