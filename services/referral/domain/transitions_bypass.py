"""The row of the emergency-room bypass: it is the destination's word, and nobody else's.

Source: docs/domain.md: of a BedUnavailable the destination may withdraw, or take the patient by
emergency-room bypass. It may be said with the acceptance too (`AcceptReferral.bypass_reason`).
"""

from services.referral.domain import events as e
from services.referral.domain import guards as g
from services.referral.domain import parties as p
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Row, row, to

BYPASS_ROWS: tuple[Row, ...] = (
    row(
        (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.NO_SHOW),
        GrantBypass,
        (p.DESTINATION,),
        to(e.BypassGranted),
        guards=(g.REASON, g.BYPASS_FITS),
    ),
)
