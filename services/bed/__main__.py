"""`python -m services.bed`"""

import sys

from services.bed.main import main

sys.exit(main())
