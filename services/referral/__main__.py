"""`python -m services.referral`"""

import sys

from services.referral.main import main

sys.exit(main())
