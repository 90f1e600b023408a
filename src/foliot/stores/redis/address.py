"""Where a Redis is: one server, one behind sentinels, or the node of a cluster that keeps a namespace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

from foliot.errors import SettingsError

PORT, SENTINEL_PORT = 6379, 26379
SCHEMES = (
    "redis",
    "rediss",
    "redis+cluster",
    "rediss+cluster",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+unix",
    "unix",
)
OPTIONS = (
    "namespace",
    "wait",
    "timeout",
    "db",
    "sentinel_username",
    "sentinel_password",
    "tls_ca",
    "tls_cert",
    "tls_key",
    "tls_verify",
)

_FORBIDDEN = set("{}:")


class Kind(StrEnum):
    """How the server is found."""

    ONE = "one"
    UNIX = "unix"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True)
class Tls:
    """How a server is trusted, and how we prove who we are. Files in PEM format; no ``ca``: the system's."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user and its password; without a user, the default one."""

    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, kw_only=True)
class Address:
    """All that a URL says. ``said`` is the URL without its password, for people."""

    said: str
    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    master: str = ""
    db: int = 0
    user: Credentials = Credentials()
    sentinel_user: Credentials = Credentials()
    tls: Tls | None = None
    namespace: str = "foliot"
    wait: int = 0
    timeout: float = 10.0


def address_of(url: str, options: dict[str, str]) -> Address:
    """Read a URL and the options in it or beside it. Raises SettingsError for what cannot be."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise SettingsError(f"{url!r}: there is no {parts.scheme}://; there are: {', '.join(SCHEMES)}")
    kind = _kind(parts)
    steps = [unquote(step) for step in parts.path.split("/") if step]
    return Address(
        said=_without_password(parts),
        kind=kind,
        hosts=() if kind is Kind.UNIX else _hosts(url, parts, kind),
        path=_socket(url, parts) if kind is Kind.UNIX else "",
        master=_master(url, steps) if kind is Kind.SENTINEL else "",
        db=_database(url, kind, steps, options),
        user=Credentials(username=_plain(parts.username), password=_plain(parts.password)),
        sentinel_user=Credentials(username=options.get("sentinel_username"), password=options.get("sentinel_password")),
        tls=_tls(url, options) if parts.scheme.startswith("rediss") else _no_tls(url, options),
        namespace=_namespace(url, options.get("namespace", "foliot")),
        wait=_number(url, "wait", options.get("wait", "0")),
        timeout=_seconds(url, options.get("timeout", "10")),
    )


def _kind(parts: SplitResult) -> Kind:
    match parts.scheme.partition("+")[2] or parts.scheme:
        case "unix":
            return Kind.UNIX
        case "sentinel":
            return Kind.SENTINEL
        case "cluster":
            return Kind.CLUSTER
        case _:
            return Kind.CLUSTER if "," in parts.netloc.rpartition("@")[2] else Kind.ONE


def _hosts(url: str, parts: SplitResult, kind: Kind) -> tuple[tuple[str, int], ...]:
    port = SENTINEL_PORT if kind is Kind.SENTINEL else PORT
    every = parts.netloc.rpartition("@")[2].split(",")
    return tuple(_host(url, each, port) for each in every)


def _host(url: str, text: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", port if parts.port is None else parts.port
    except ValueError as problem:
        raise SettingsError(f"{url!r}: {text!r} is no host and port: {problem}") from None
    if not host:
        raise SettingsError(f"{url!r} names no host; write redis://localhost:6379/0")
    return host, port


def _master(url: str, steps: list[str]) -> str:
    if not steps:
        raise SettingsError(f"{url!r} does not say whom the sentinels watch; write …:26379/mymaster/0")
    return steps.pop(0)


def _database(url: str, kind: Kind, steps: list[str], options: dict[str, str]) -> int:
    """What is left of the path; with a socket, an option."""
    named = [] if kind is Kind.UNIX else steps
    if len(named) > 1:
        raise SettingsError(f"{url!r}: a Redis database is one number, such as /0, not {'/'.join(named)!r}")
    db = _number(url, "db", named[0] if named else options.get("db", "0"))
    if db and kind is Kind.CLUSTER:
        raise SettingsError(f"{url!r}: a Redis Cluster has only database 0; use ?namespace=… to keep things apart")
    return db


def _socket(url: str, parts: SplitResult) -> str:
    if not parts.path or parts.hostname:
        raise SettingsError(f"{url!r} names no socket; write redis+unix:///run/redis/redis.sock?db=0")
    return unquote(parts.path)


def _tls(url: str, options: dict[str, str]) -> Tls:
    verify = options.get("tls_verify", "yes")
    if verify not in {"yes", "no"}:
        raise SettingsError(f"{url!r}: tls_verify={verify!r}; choose yes or no")
    return Tls(
        ca=options.get("tls_ca"), cert=options.get("tls_cert"), key=options.get("tls_key"), verify=verify == "yes"
    )


def _no_tls(url: str, options: dict[str, str]) -> None:
    if named := [name for name in options if name.startswith("tls_")]:
        raise SettingsError(f"{url!r}: {named[0]} is for TLS; write rediss:// for that")


def _namespace(url: str, name: str) -> str:
    if not name or _FORBIDDEN & set(name):
        raise SettingsError(f"{url!r}: namespace={name!r} cannot be; use a name without braces or colons")
    return name


def _number(url: str, name: str, text: str) -> int:
    if not text.isdecimal():
        raise SettingsError(f"{url!r}: {name}={text!r} is no whole number")
    return int(text)


def _seconds(url: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise SettingsError(f"{url!r}: timeout={text!r} is no number of seconds above 0")
    return seconds


def _plain(text: str | None) -> str | None:
    return unquote(text) if text else None


def _without_password(parts: SplitResult) -> str:
    user, at, hosts = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{hosts}{parts.path}"
