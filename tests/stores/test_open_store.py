"""Stores are named by URL: what each names, and what to write instead of what names none."""

import re
from pathlib import Path

import pytest

from foliot.errors import SettingsError
from foliot.model import Query, Run
from foliot.stores import open_store
from foliot.stores.memory import MemoryStore
from foliot.stores.postgres import PostgresStore
from foliot.stores.postgres.connections import Address
from foliot.stores.sqlite import SQLiteStore


def test_memory_names_a_store_of_its_own_each_time():
    assert isinstance(open_store("memory://"), MemoryStore)
    assert open_store("memory://") is not open_store("memory://")


async def test_four_slashes_name_an_absolute_path(tmp_path: Path):
    path = tmp_path / "jöbs of today.db"

    store = open_store(f"sqlite:///{path}")
    await store.open()
    await store.close()

    assert isinstance(store, SQLiteStore)
    assert path.exists()


async def test_three_slashes_name_a_path_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    store = open_store("sqlite:///my%20jobs.db")
    await store.open()
    await store.close()

    assert (tmp_path / "my jobs.db").exists()


@pytest.mark.parametrize("durability", ["full", "relaxed"])
async def test_options_stand_in_the_url_or_beside_it(tmp_path: Path, durability: str):
    for store in (
        open_store(f"sqlite:///{tmp_path}/a.db?durability={durability}"),
        open_store(f"sqlite:///{tmp_path}/b.db?durability=nonsense", durability=durability),
    ):
        await store.open()
        await store.add([Run(id="a", job="j", due_at=0, created_at=0)], 0)
        assert len((await store.find(Query())).runs) == 1
        await store.close()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("sqlite:///:memory:", "memory://"),
        ("sqlite://", "sqlite:///jobs.db"),
        ("sqlite:///", "sqlite:///jobs.db"),
        ("sqlite://jobs.db", "sqlite:///jobs.db"),
        ("sqlite:///jobs.db?durability=none", "full or relaxed"),
        ("sqlite:///jobs.db?durabilty=full", "durability"),
        ("memory://?size=3", "'size'"),
        ("postgresql://host/db?migrate=perhaps", "yes or no"),
        ("https://host", "later version"),
        ("mysql://host/db", "sqlite:///path"),
        ("jobs.db", "sqlite:///path"),
        ("", "memory://"),
    ],
)
def test_what_names_no_store_is_refused_with_a_remedy(url: str, remedy: str):
    with pytest.raises(SettingsError, match=re.escape(remedy)):
        open_store(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_postgresql_url_names_a_server_and_a_schema_in_its_database(scheme: str):
    store = open_store(f"{scheme}://ada:secret@host:5433/db?namespace=mine&migrate=no&sslmode=require")

    assert isinstance(store, PostgresStore)
    assert store.address.server == "postgresql://ada:secret@host:5433/db?sslmode=require"
    assert store.address.namespace == "mine"


def test_what_people_are_told_of_a_postgresql_store_has_no_password_in_it():
    address = Address("postgresql://ada:secret@host:5433/db?password=secret")

    assert address.place == "PostgreSQL at host:5433/db"


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:99999999/x", "postgresql://[::1", "redis://[::1", "postgresql://host:port/x"]
)
def test_what_is_no_url_at_all_is_refused_with_the_reason(url: str):
    with pytest.raises(SettingsError, match=rf"{re.escape(repr(url))} is not a URL \(.+\); write memory://"):
        open_store(url)


def test_a_postgresql_url_may_name_several_hosts():
    store = open_store("postgresql://ada:se,cret@one:5433,[::1]:5434/db")

    assert isinstance(store, PostgresStore)
    assert store.address.server == "postgresql://ada:se,cret@one:5433,[::1]:5434/db"
