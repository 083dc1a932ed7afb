"""`python -m services.notification`; with `rules`, what the site changes in the alert rules."""

import sys

from services.shared.lifecycle.collector import uncollected

with uncollected():
    from services.notification.main import main, show_rules

sys.exit(show_rules() if sys.argv[1:] == ["rules"] else main())
