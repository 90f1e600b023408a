"""An empty store of the kind that is asked for."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from serving import redis

from foliot.testing.servers import PostgresServer


def url(store: str, servers: ExitStack) -> str:
    """Its URL; a server lives as long as ``servers``."""
    match store:
        case "postgres":
            os.chmod(tempfile.gettempdir(), 0o711)  # its server may belong to another user
            return servers.enter_context(PostgresServer(fsync="on")).url
        case "redis":
            return redis()
        case "sqlite":
            return f"sqlite:///{Path(tempfile.mkdtemp())}/foliot.db"
        case _:
            return "memory://"
