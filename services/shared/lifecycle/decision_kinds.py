"""What every service's store may have beside the service's own: the decisions of its operators."""

from collections.abc import Mapping
from typing import Any

from services.shared.dead_letters.letter_codec import dead_letter_kind
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.projections.projection_codec import projection_kind


def decision_kinds() -> Mapping[str, AggregateKind[Any, Any]]:
    """Their kinds, by name. Raises CodecMismatch."""
    return {kind.name: kind for kind in (dead_letter_kind(), projection_kind())}
