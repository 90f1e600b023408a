"""What is asked of the server: each verb one statement, every name with its schema."""

from __future__ import annotations

from foliot.model import Limit, Record, Schedule, Worker
from foliot.stores.postgres.schema import quoted

TABLES: dict[type[Record], str] = {Schedule: "schedules", Limit: "limits", Worker: "workers"}

_CALLS = {
    "add": "* FROM {}.add($1::text::jsonb, $2, $3)",
    "add plain": "* FROM {}.add_plain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    "amend": "* FROM {}.amend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    "claim": "* FROM {}.claim($1, $2, $3, $4, $5, $6, $7, $8)",
    "turn": "* FROM {}.turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb, $13, $14, $15, $16, $17,"
    " $18, $19, $20, $21, $22, $23, $24, $25)",
    "finish": "{}.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb, $13, $14, $15, $16, $17, $18)",
    "beat": "* FROM {}.beat($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    "fire": "* FROM {}.fire($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8)",
    "put": "{}.put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    "drop limits": "unnest({}.drop_limits($1))",
    "prune": "{}.prune($1, $2, $3)",
    "lines": "n, at, level, text, fields FROM {}.lines WHERE run = $1 AND n > $2 ORDER BY n LIMIT $3",
}


def statements(namespace: str) -> dict[str, str]:
    """The statement of each verb, for a schema of this name."""
    schema = quoted(namespace)
    calls = {verb: f"SELECT {call.format(schema)}" for verb, call in _CALLS.items()}
    for table in TABLES.values():
        version = "version" if table == "schedules" else "0"
        calls[f"records {table}"] = (
            f"SELECT body, {version} FROM {schema}.{table} WHERE id > $1 AND ($2::text[] IS NULL OR id = ANY ($2))"
            " ORDER BY id LIMIT $3"
        )
        calls.setdefault(f"drop {table}", f"DELETE FROM {schema}.{table} WHERE id = ANY ($1) RETURNING id")
    return calls
