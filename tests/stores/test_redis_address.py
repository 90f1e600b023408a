"""What a URL of a Redis says, and what it cannot say."""

import re
from typing import Any

import pytest

from foliot.errors import SettingsError
from foliot.stores import open_store
from foliot.stores.redis.address import Credentials, Kind, Tls, address_of


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://localhost", {"kind": Kind.ONE, "hosts": (("localhost", 6379),), "db": 0}),
        ("redis://localhost:7000/3", {"hosts": (("localhost", 7000),), "db": 3}),
        ("redis://[::1]:7000", {"hosts": (("::1", 7000),)}),
        ("redis://:secret@host", {"user": Credentials(password="secret")}),
        ("redis://ada:p%40ss@host", {"user": Credentials(username="ada", password="p@ss")}),
        ("redis://h1:7000,h2:7001/0", {"kind": Kind.CLUSTER, "hosts": (("h1", 7000), ("h2", 7001))}),
        ("redis+cluster://h1", {"kind": Kind.CLUSTER, "hosts": (("h1", 6379),)}),
        ("redis://ada:p,q@host", {"kind": Kind.ONE, "user": Credentials(username="ada", password="p,q")}),
        (
            "redis+sentinel://h1,h2:7/mymaster/2",
            {"kind": Kind.SENTINEL, "hosts": (("h1", 26379), ("h2", 7)), "master": "mymaster", "db": 2},
        ),
        ("redis+unix:///run/redis.sock?db=2", {"kind": Kind.UNIX, "path": "/run/redis.sock", "db": 2}),
        ("unix:///run/redis.sock", {"kind": Kind.UNIX, "path": "/run/redis.sock"}),
        ("rediss://host", {"tls": Tls()}),
        (
            "rediss://host?tls_ca=ca.pem&tls_cert=me.pem&tls_key=me.key&tls_verify=no",
            {"tls": Tls(ca="ca.pem", cert="me.pem", key="me.key", verify=False)},
        ),
    ],
)
def test_a_url_says_where_the_server_is_and_who_we_are(url: str, says: dict[str, Any]):
    _, _, query = url.partition("?")
    options = dict(pair.split("=") for pair in query.split("&") if pair)

    address = address_of(url, options)

    assert {name: getattr(address, name) for name in says} == says


def test_options_say_the_namespace_the_waiting_and_the_patience():
    address = address_of("redis://host", {"namespace": "mine", "wait": "1", "timeout": "2.5"})

    assert (address.namespace, address.wait, address.timeout) == ("mine", 1, 2.5)


def test_what_is_said_to_people_has_no_password():
    address = address_of("redis://ada:secret@host:7/1?namespace=mine", {})

    assert address.said == "redis://ada@host:7/1"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis://", "redis://localhost:6379/0"),
        ("redis://host:port", "no host and port"),
        ("redis://host/one", "'one' is no whole number"),
        ("redis://host/0/1", "one number"),
        ("redis+cluster://host/1", "only database 0"),
        ("redis+sentinel://host:26379", "mymaster"),
        ("redis+unix://host", "redis+unix:///run/redis/redis.sock"),
        ("redis://host?tls_ca=ca.pem", "rediss://"),
        ("rediss://host?tls_verify=maybe", "yes or no"),
        ("redis://host?namespace={a}", "without braces or colons"),
        ("redis://host?namespace=", "without braces or colons"),
        ("redis://host?timeout=0", "seconds above 0"),
        ("redis://host?timeout=soon", "seconds above 0"),
        ("redis://host?wait=-1", "whole number"),
        ("redis://host?namspace=mine", "unknown option 'namspace'"),
        ("redis+smtp://host", "redis+sentinel"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(url: str, remedy: str):
    with pytest.raises(SettingsError, match=re.escape(remedy)):
        open_store(url)
