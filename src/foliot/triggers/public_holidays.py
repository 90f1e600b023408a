"""Public holidays and business days of countries and markets, as the ``holidays`` package knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from foliot.errors import TriggerError
from foliot.triggers.base import Spec
from foliot.triggers.calendars import Days, Weekdays, weekdays
from foliot.triggers.extras import library
from foliot.triggers.writing import date_of, day_of, spec_of
from foliot.triggers.zones import zone_name


@dataclass(frozen=True, slots=True)
class Holidays(Days):
    """The public holidays of a country or market; make it with ``holidays()``."""

    country: str
    subdivision: str | None = None
    tz: str | None = None

    def __post_init__(self) -> None:
        _table(self.country, self.subdivision, 2020)  # refuses what the package does not know

    def has(self, day: int) -> bool:
        return day in _holidays_in(self.country, self.subdivision, date_of(day).year)

    def spec(self) -> Spec:
        return spec_of({"holidays": self.country}, subdivision=self.subdivision, tz=self.tz)


@dataclass(frozen=True, slots=True)
class BusinessDays(Days):
    """The days on which a country works, weekend days that make up for holidays included."""

    country: str
    subdivision: str | None = None
    tz: str | None = None

    def __post_init__(self) -> None:
        _table(self.country, self.subdivision, 2020)

    def has(self, day: int) -> bool:
        return day in _working_days_in(self.country, self.subdivision, date_of(day).year)

    def spec(self) -> Spec:
        return spec_of({"business_days": self.country}, subdivision=self.subdivision, tz=self.tz)


def holidays(country: str, subdivision: str | None = None, *, tz: tzinfo | str | None = None) -> Holidays:
    """Public holidays: ``holidays("KR")``, ``holidays("DE", "BY")``, ``holidays("NYSE")``.

    Needs the extra ``holidays``. Raises TriggerError for a country that its package does not know.
    """
    return Holidays(country, subdivision, zone_name(tz))


def business_days(
    country: str | None = None, subdivision: str | None = None, *, tz: tzinfo | str | None = None
) -> BusinessDays | Weekdays:
    """The days on which people work there: ``business_days("CN")``; Monday to Friday without a country.

    Weekend days that a country works to make up for a holiday are business days, as far as the package
    ``holidays`` knows them.
    """
    return weekdays(tz=tz) if country is None else BusinessDays(country, subdivision, zone_name(tz))


@lru_cache(maxsize=1024)
def _holidays_in(country: str, subdivision: str | None, year: int) -> frozenset[int]:
    return frozenset(day_of(day) for day in _table(country, subdivision, year))


@lru_cache(maxsize=1024)
def _working_days_in(country: str, subdivision: str | None, year: int) -> frozenset[int]:
    # The next year's new year may have made a working day of one of this year's last weekends.
    table = _table(country, subdivision, year, year + 1)
    return frozenset(
        day
        for day in range(day_of(date(year, 1, 1)), day_of(date(year + 1, 1, 1)))
        if table.is_working_day(date_of(day))
    )


def _table(country: str, subdivision: str | None, *years: int) -> Any:
    package = library("holidays", extra="holidays")
    for find in (package.country_holidays, package.financial_holidays):
        try:
            return find(country, subdiv=subdivision, years=years)
        except NotImplementedError as error:
            refusal = error
    known = [*package.list_supported_countries(), *package.list_supported_financial()]
    if country not in known:
        close = get_close_matches(country.upper(), known, n=1, cutoff=0.3)
        raise TriggerError(
            f"no holidays are known for {country!r}; did you mean {close[0] if close else 'KR'!r}?"
        ) from None
    raise TriggerError(f"no holidays are known for {subdivision!r} in {country!r}: {refusal}")
