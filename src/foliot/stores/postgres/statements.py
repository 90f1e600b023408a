"""What is asked of the server: each verb one statement, every name with its schema."""

from __future__ import annotations

from foliot.model import Limit, Record, Schedule, Worker
from foliot.stores.postgres.schema import quoted

TABLES: dict[type[Record], str] = {Schedule: "schedules", Limit: "limits", Worker: "workers"}

_BIGINTS, _INTEGERS, _SMALLINTS, _TRUTHS = (
    f"::text[]::{kind}[]" for kind in ("bigint", "integer", "smallint", "boolean")
)
"""Arrays travel as texts: of other kinds asyncpg asks the server what they are, anew on each connection."""

_LINES = f"%s{_BIGINTS}, %s{_BIGINTS}, %s, %s, %s"
_ENDINGS = (
    f"%s, %s{_BIGINTS}, %s, %s, %s, %s, %s, %s{_BIGINTS}, %s{_TRUTHS}, %s, %s{_TRUTHS}, %s::text::jsonb, {_LINES}"
)
_WISH = "%s, %s, %s, %s, %s, %s, %s"
_CALLS = {
    "add": "* FROM {}.add(%s::text::jsonb, %s, %s)",
    "add plain": f"* FROM {{}}.add_plain(%s, %s, %s, %s, %s{_SMALLINTS}, %s{_BIGINTS}, %s{_BIGINTS}, %s, %s, %s, %s)",
    "amend": f"* FROM {{}}.amend(%s, %s, %s, %s, %s, %s, %s{_INTEGERS}, %s{_BIGINTS}, %s, %s, %s)",
    "claim": f"* FROM {{}}.claim_2({_WISH}, %s, NULL)",
    "turn": f"* FROM {{0}}.claim_2({_WISH}, %s, {{0}}.finish({_ENDINGS}, %s)::text[])",
    "finish": f"{{}}.finish({_ENDINGS}, %s)::text[]",
    "beat": f"held::text[], reasons FROM {{}}.beat(%s, %s, %s, %s{_BIGINTS}, %s, {_LINES}, %s, %s)",
    "fire": "fired::text[], due, versions::text[], wake_at FROM"
    f" {{}}.fire(%s, %s{_BIGINTS}, %s, %s{_BIGINTS}, %s, %s::text::jsonb, %s, %s)",
    "put": f"{{}}.put(%s, %s, %s{_BIGINTS}, %s, %s{_BIGINTS}, %s, %s{_BIGINTS}, %s{_BIGINTS}, %s{_BIGINTS},"
    f" %s{_TRUTHS}, %s, %s, %s{_BIGINTS}, %s)",
    "drop limits": "unnest({}.drop_limits(%s))",
    "prune": "{}.prune(%s, %s, %s)",
    "lines": "n, at, level, text, fields FROM {}.lines WHERE run = %s AND n > %s ORDER BY n LIMIT %s",
}


def statements(namespace: str) -> dict[str, str]:
    """The statement of each verb, for a schema of this name."""
    schema = quoted(namespace)
    calls = {verb: _numbered(f"SELECT {call.format(schema)}") for verb, call in _CALLS.items()}
    for table in TABLES.values():
        version = "version" if table == "schedules" else "0"
        page = f"SELECT body, {version} FROM {schema}.{table} WHERE id > $1{{}} ORDER BY id LIMIT $2"
        calls[f"records {table}"], calls[f"these {table}"] = page.format(""), page.format(" AND id = ANY ($3)")
        calls.setdefault(f"drop {table}", f"DELETE FROM {schema}.{table} WHERE id = ANY ($1) RETURNING id")
    return calls


def _numbered(sql: str) -> str:
    """With each place for a value numbered."""
    first, *rest = sql.split("%s")
    return first + "".join(f"${n}{each}" for n, each in enumerate(rest, 1))
