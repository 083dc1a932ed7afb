"""What a person would do next, as commands to type."""

from dataclasses import dataclass

from services.operator.texts import text
from services.shared.kernel.text import BilingualText
from services.shared.rpc.channels import Addresses

#: Where `tierlink up` serves when the ports are free.
FIXED_PORTS = {"referral": 7101, "bed": 7102, "notification": 7103, "board": 7100}


@dataclass(frozen=True, kw_only=True, slots=True)
class NextStep:
    """A command and what it is for."""

    text: BilingualText
    command: str


def next_steps(referral: str) -> tuple[NextStep, ...]:
    """After a demo, whose own stack is gone: the same with `tierlink up`."""
    fixed = {name: f"127.0.0.1:{port}" for name, port in FIXED_PORTS.items()}
    addresses = Addresses(referral=fixed["referral"], bed=fixed["bed"], notification=fixed["notification"])
    return (NextStep(text=text("next.up"), command="tierlink up"), *api_steps(addresses, referral))


def api_steps(addresses: Addresses, referral: str = "") -> tuple[NextStep, ...]:
    """What to try on running services, with a token in $TOKEN."""
    name = referral or "referrals/…"
    grpcurl = 'grpcurl -plaintext -H "authorization: Bearer $TOKEN"'
    referral_service = "tierlink.referral.v1.ReferralService"
    alert_service = "tierlink.notification.v1.AlertService"
    return (
        NextStep(
            text=text("next.list"),
            command=f"{grpcurl} {addresses.referral} {referral_service}/ListReferrals",
        ),
        NextStep(
            text=text("next.watch"),
            command=f"{grpcurl} {addresses.notification} {alert_service}/WatchAlerts",
        ),
        NextStep(text=text("next.timeline"), command=f"tierlink referral timeline {name}"),
        NextStep(text=text("next.audit"), command="tierlink audit verify"),
    )
