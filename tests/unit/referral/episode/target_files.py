"""The targets as the sources have them, and files that a site puts over them."""

from pathlib import Path
from textwrap import dedent

from services.referral.adapters.target_catalogue import TargetCatalogue, load_catalogue
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.values import Pathway

FACTS = {
    ("STROKE", "onset-to-needle"): (270, "B"),
    ("STROKE", "door-to-assessment"): (10, "B"),
    ("STROKE", "door-to-imaging"): (45, "B"),
    ("STROKE", "door-to-laboratory"): (45, "B"),
    ("STROKE", "door-to-needle"): (60, "B"),
    ("STROKE", "door-in-door-out"): (90, "B"),
    ("STROKE", "door-to-puncture"): (90, "B"),
    ("STROKE", "onset-to-puncture"): (360, "B"),
    ("CHEST_PAIN", "fmc-to-ecg"): (10, "A"),
    ("CHEST_PAIN", "ecg-to-diagnosis"): (10, "A"),
    ("CHEST_PAIN", "ecg-to-transmission"): (10, "A"),
    ("CHEST_PAIN", "troponin-turnaround"): (20, "A"),
    ("CHEST_PAIN", "fmc-to-needle"): (30, "A"),
    ("CHEST_PAIN", "door-in-door-out"): (30, "A"),
    ("CHEST_PAIN", "door-to-balloon"): (90, "A"),
    ("CHEST_PAIN", "transfer-for-pci"): (120, "A"),
    ("CHEST_PAIN", "cath-lab-activation"): (30, "A"),
}


def load_site(tmp_path: Path, text: str) -> TargetCatalogue:
    path = tmp_path / "site.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_catalogue(path)


def stroke_target(catalogue: TargetCatalogue, key: str) -> ClockTarget:
    return next(t for t in catalogue.clock_targets if t.pathway is Pathway.STROKE and t.key == key)
