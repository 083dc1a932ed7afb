"""Text for people, always in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BilingualText:
    zh: str
    en: str
