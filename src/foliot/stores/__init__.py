"""Stores, opened by URL: ``memory://``, ``sqlite:///path.db``, ``postgresql://host/db``, ``redis://host:6379/0``."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from foliot.errors import SettingsError
from foliot.stores.base import Store

_LATER = ("http", "https", "amqp")

_REDIS = ("redis", "rediss", "unix")

_THERE_ARE = "memory://, sqlite:///path/to/file.db, postgresql://host/database or redis://host"


def open_store(url: str, **options: str) -> Store:
    """The store that a URL names, not yet opened. Raises SettingsError for one that there is not.

    Options stand in the URL or beside it; those beside it count. SQLite takes ``durability=relaxed``: commits are not
    synced one by one, so a power cut may lose the last moments. PostgreSQL takes ``namespace=``, the schema in its
    database (``foliot``), ``migrate=no`` for who may not change it, and all that asyncpg takes. What Redis takes
    is on the page about Redis.
    """
    parts = _parts(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True)) | options
    match parts.scheme:
        case "memory":
            return _memory(url, options)
        case "sqlite":
            return _sqlite(url, unquote(parts.path), options)
        case "postgresql" | "postgres":
            return _postgres(url, options)
        case scheme if scheme.partition("+")[0] in _REDIS:
            return _redis(url, options)
        case scheme if scheme.partition("+")[0] in _LATER:
            raise SettingsError(f"{url!r}: {scheme} stores come with a later version; there are {_THERE_ARE}")
        case _:
            raise SettingsError(f"{url!r} names no store; write {_THERE_ARE}")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme.partition("+")[0] not in _REDIS:  # which says more of its addresses
            for host in parts.netloc.rpartition("@")[2].split(","):
                _ = urlsplit(f"//{host}").port
    except ValueError as problem:
        raise SettingsError(f"{url!r} is not a URL ({problem}); write {_THERE_ARE}") from None
    return parts


def _memory(url: str, options: dict[str, str]) -> Store:
    from foliot.stores.memory import MemoryStore

    _refuse_unknown(url, options, ())
    if url.partition("?")[0].rstrip("/") != "memory:":
        raise SettingsError(f"{url!r}: a store in memory has no name, it is another one each time; write memory://")
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
        raise SettingsError(f"Redis needs redis-py 8.1 or newer ({problem}); pip install 'foliot[redis]'") from problem
    _refuse_unknown(url, options, address.OPTIONS)
    return RedisStore(address.address_of(url, options))


_POSTGRES = ("namespace", "migrate")


def _postgres(url: str, options: dict[str, str]) -> Store:
    try:
        from foliot.stores.postgres import PostgresStore
    except ModuleNotFoundError as missing:
        raise SettingsError(f"PostgreSQL needs {missing.name}; pip install 'foliot[postgres]'") from None

    ours = {name: value for name, value in options.items() if name in _POSTGRES}
    match ours.get("migrate", "yes"):
        case "yes" | "no" as migrate:
            theirs = urlencode({name: value for name, value in options.items() if name not in _POSTGRES})
            server = urlunsplit(urlsplit(url)._replace(scheme="postgresql", query=theirs))
            return PostgresStore(server, namespace=ours.get("namespace", "foliot"), migrate=migrate == "yes")
        case other:
            raise SettingsError(f"migrate={other!r} in the URL of a PostgreSQL store; choose yes or no")


def _refuse_unknown(url: str, options: dict[str, str], known: tuple[str, ...]) -> None:
    for name in options:
        if name not in known:
            raise SettingsError(f"{url!r}: unknown option {name!r}; there are: {', '.join(known) or 'none'}")
