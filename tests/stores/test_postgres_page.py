"""What the page about PostgreSQL shows is run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from foliot.stores.postgres.schema import script

PAGE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def database(postgres_server: str, namespace: str) -> Iterator[str]:
    """A database of this test's own."""
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {namespace}".encode())
    yield re.sub(r"/[^/]*$", f"/{namespace}", postgres_server)
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"DROP DATABASE {namespace}".encode())


@pytest.mark.parametrize("block", blocks("python"))
def test_a_program_of_the_page_works(block: str, database: str, tmp_path: Path):
    (tmp_path / "tour.py").write_text(block, "utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", "tour.py"],
        cwd=tmp_path,
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", blocks("sql"))
def test_a_question_of_the_page_is_answered(block: str, database: str):
    with psycopg.connect(database) as connection:
        connection.execute(script("foliot").encode())
        assert connection.execute(block.encode()).fetchall() == []
