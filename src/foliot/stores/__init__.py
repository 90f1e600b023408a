"""Stores, opened by URL: ``memory://``, ``sqlite:///relative/path.db``, ``redis://localhost:6379/0``."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from foliot.errors import SettingsError
from foliot.stores.base import Store

_LATER = ("postgres", "postgresql", "http", "https", "amqp")

_REDIS = ("redis", "rediss", "unix")


def open_store(url: str, **options: str) -> Store:
    """The store that a URL names, not yet opened. Raises SettingsError for one that there is not.

    Options stand in the URL or beside it; those beside it count. SQLite takes ``durability=relaxed``: commits are not
    synced one by one, so a power cut may lose the last moments. What Redis takes is on the page about Redis.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True)) | options
    match parts.scheme:
        case "memory":
            return _memory(url, options)
        case "sqlite":
            return _sqlite(url, unquote(parts.path), options)
        case scheme if scheme.partition("+")[0] in _REDIS:
            return _redis(url, options)
        case scheme if scheme.partition("+")[0] in _LATER:
            raise SettingsError(
                f"{url!r}: {scheme} stores come with a later version; there are memory://, sqlite:///path and redis://host"
            )
        case _:
            raise SettingsError(f"{url!r} names no store; write memory:// or sqlite:///path/to/file.db")


def _memory(url: str, options: dict[str, str]) -> Store:
    from foliot.stores.memory import MemoryStore

    _refuse_unknown(url, options, ())
    return MemoryStore()


def _sqlite(url: str, path: str, options: dict[str, str]) -> Store:
    from foliot.stores.sqlite import SQLiteStore

    _refuse_unknown(url, options, ("durability",))
    if not url.startswith("sqlite:///") or path in ("", "/") or ":memory:" in path:
        raise SettingsError(f"{url!r} names no file; write sqlite:///jobs.db, or memory:// to keep nothing")
    match options.get("durability", "full"):
        case "full":
            return SQLiteStore(path.removeprefix("/"))
        case "relaxed":
            return SQLiteStore(path.removeprefix("/"), durability="relaxed")
        case other:
            raise SettingsError(f"{url!r}: durability={other!r}; choose full or relaxed")


def _redis(url: str, options: dict[str, str]) -> Store:
    try:
        from foliot.stores.redis import RedisStore, address
    except ImportError as problem:
        raise SettingsError(f"{url!r}: {problem}; install foliot[redis]") from problem
    _refuse_unknown(url, options, address.OPTIONS)
    return RedisStore(address.address_of(url, options))


def _refuse_unknown(url: str, options: dict[str, str], known: tuple[str, ...]) -> None:
    for name in options:
        if name not in known:
            raise SettingsError(f"{url!r}: unknown option {name!r}; there are: {', '.join(known) or 'none'}")
