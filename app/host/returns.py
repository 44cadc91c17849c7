"""The door by which a plug-in has money sent back; the payments room, made after it, opens it."""

from collections.abc import Callable

from app.core.errors import Unavailable

Door = Callable[[str, str, int | None, str], None]


class Returns:
    """Carries a plug-in's word that a citizen is owed money to whoever sends money back."""

    def __init__(self) -> None:
        self._door: Door | None = None

    def open(self, door: Door) -> None:
        """Let through from now on what is asked, with the name of the plug-in that asks."""
        self._door = door

    def ask(self, plugin: str, reference: str, amount: int | None, reason: str) -> None:
        """Have money sent back for a plug-in. Raise `Unavailable` before the house is made."""
        if self._door is None:
            raise Unavailable
        self._door(plugin, reference, amount, reason)
