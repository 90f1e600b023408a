"""Ids that sort by time: UUIDs of version 7 (RFC 9562)."""

import re
from hashlib import blake2b
from random import Random

from foliot.moments import MILLISECOND

_TAIL = 74
_TAILS = 1 << _TAIL
_DIGITS = 12
"""How many of an id's last digits change within a millisecond, bar one time in many millions."""
_LOW = 4 * _DIGITS
_SHORT, _SHOWN = 500, 100
"""Up to how many characters a key is kept as it is, and how many are shown of one that is longer."""

_MADE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(\.|$)")


class Ids:
    """Makes ids that sort in the order in which they were made, whatever the clock does meanwhile.

    Within one millisecond, or after the clock stepped back, the random tail counts up (RFC 9562, section 6.2, method
    2).
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._last = 0
        self._high, self._head = -1, ""  # what the last id began with, as a number and as text

    def new(self, now: int) -> str:
        """One id, later than every one before it."""
        millisecond = now // MILLISECOND
        if millisecond > self._last >> _TAIL:
            self._last = millisecond << _TAIL | self._random.getrandbits(_TAIL - 1)
        else:
            self._last += 1
        high, low = self._last >> _LOW, self._last & (1 << _LOW) - 1
        if high != self._high:
            self._high, self._head = high, _uuid7(self._last >> _TAIL, self._last & (_TAILS - 1))[:-_DIGITS]
        return f"{self._head}{low:0{_DIGITS}x}"


def firing_id(schedule: str, nominal: int) -> str:
    """The id of the run that a schedule fires for a nominal instant: the same whoever computes it, whenever."""
    digest = blake2b(f"{schedule}\0{nominal}".encode(), digest_size=10).digest()
    return _uuid7(nominal // MILLISECOND, int.from_bytes(digest) & (_TAILS - 1))


def child_id(parent: str, name: str | int) -> str:
    """The id of the run that a run spawned under this name or number: the same whoever computes it, whenever."""
    return f"{parent}.{str(name).replace('%', '%25').replace('.', '%2E')}"


def is_made(id: str) -> bool:
    """Whether an id looks like one of those made here, and not like one that a caller has chosen."""
    return _MADE.match(id) is not None


def fitting(key: str) -> str:
    """A key that every store's index has room for: itself, or if it is long its beginning and a digest of it all."""
    if len(key) <= _SHORT:
        return key
    return f"{key[:_SHOWN]}…{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=20).hexdigest()}"


def _uuid7(milliseconds: int, tail: int) -> str:
    whole = (
        (milliseconds & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0b10 << 62 | tail & 0x3FFFFFFFFFFFFFFF
    )
    text = f"{whole:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
