"""Why a replay is not carried out."""

from services.operator.texts import Language, say


class ReplayRefused(Exception):
    """It would do harm, or cannot be what was meant; `key` is a text of the catalogue."""

    def __init__(self, key: str, **values: object) -> None:
        self._key = key
        self._values = values
        super().__init__(self.shown(Language.EN))

    def shown(self, language: Language) -> str:
        """The reason in words."""
        return say(self._key, language, **self._values)
