"""What PostgreSQL, or the way to it, says when something is wrong, in our words: what, where, and the remedy."""

from __future__ import annotations

from foliot.errors import FoliotError, SettingsError, StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.stores.postgres.driver import ServerError, code_of

AGAIN = ("40001", "40P01")
"""The server undid the verb because it stood in the way of another: doing it again is right."""


def explained(error: Exception, place: str) -> FoliotError:
    """What happened, where, and the remedy."""
    if isinstance(error, ServerError):
        return _refused(error, code_of(error), place)
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"{place} gave no answer in time; look whether it is overloaded, or cut off")
    return StoreUnavailable(f"{place} cannot be reached ({error or type(error).__name__}); start it, or name another")


def refused_at_the_door(error: Exception, place: str) -> FoliotError:
    """Why no connection was made."""
    if isinstance(error, ValueError) or code_of(error) in ("42704", "22023", "55P02"):
        return SettingsError(f"{place}: its URL cannot be read: {error}")
    return explained(error, place)


def _refused(error: Exception, code: str, place: str) -> FoliotError:
    match code:
        case "28P01" | "28000":
            return SettingsError(f"{place} refuses this user or password ({error}); correct the store's URL")
        case "3D000":
            return SettingsError(f"{place}: {error}; make it (createdb), or name another in the store's URL")
        case "42501":
            return SettingsError(
                f"{place}: this user has not the right ({error}); let its owner grant it, "
                "or apply what `foliot migrate --sql` prints"
            )
        case "25006":
            return StoreUnavailable(f"{place} only answers questions: it is a replica, or read-only; name the primary")
        case "53100":
            return StoreFull(f"no space left at {place} ({error}); free some, or prune old runs")
        case "XX001" | "XX002":
            return StoreCorrupt(f"{place} is damaged ({error}); restore a backup")
        case "42P01" | "42883" | "42703" | "3F000" | "42704":
            return StoreCorrupt(f"{place} lacks a part of its schema ({error}); run `foliot migrate`")
        case "22021" | "22P05":
            return StoreError(f"{place} keeps no text with NUL in it ({error}); leave it out")
        case _ if code[:2] in ("08", "40", "53", "55", "57", "58"):
            return StoreUnavailable(f"{place}: {error}; nothing was written; try again")
        case _:
            return StoreError(f"{place}: {error}; nothing was written")
