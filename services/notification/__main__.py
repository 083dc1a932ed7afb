"""`python -m services.notification`"""

import sys

from services.notification.main import main

sys.exit(main())
