"""Whose is a KeyboardInterrupt? In the harness's own process the user's: it goes up. In a worker, which Ctrl-C does not reach,
an engine raised it like any other exception."""

from __future__ import annotations

users: tuple[type[BaseException], ...] = (KeyboardInterrupt,)
"""For ``except interrupts.users: raise``."""


def are_the_engines() -> None:
    """From now on no interrupt is the user's."""
    global users
    users = ()
