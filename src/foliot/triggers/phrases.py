"""The languages of explanations: one phrase for each thing there is to say, under the same names in each."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Phrases by name, and the names of numbered things."""

    phrases: Mapping[str, str]
    weekdays: Sequence[str]
    months: Sequence[str]
    days: Sequence[str]
    places: Sequence[str]
    places_from_last: Sequence[str]
    many_weekdays: Sequence[str]
    countries: Mapping[str, str]

    def say(self, phrase: str, **values: object) -> str:
        """The phrase with these values in it; ``count`` of 1 takes the phrase's form for one, where it has one."""
        if values.get("count") == 1:
            phrase = f"{phrase}_1" if f"{phrase}_1" in self.phrases else phrase
        return self.phrases[phrase].format(**values)

    def listed(self, items: Sequence[str], *, word: str = "and") -> str:
        """``a, b and c``."""
        if len(items) < 2:
            return "".join(items)
        return self.say(f"{word}_list", first=self.phrases["comma"].join(items[:-1]), last=items[-1])

    def ranges(self, numbers: Sequence[int], name: Callable[[int], str] = str, *, cycle: int = 0) -> str:
        """The names of these numbers, with runs of three and more said as ranges; on a clock, past its highest too."""
        return self.listed(self.runs(numbers, name, cycle=cycle))

    def runs(self, numbers: Sequence[int], name: Callable[[int], str] = str, *, cycle: int = 0) -> list[str]:
        """What ``ranges`` lists."""
        texts: list[str] = []
        for run in runs_of(numbers, cycle):
            if len(run) > 2:
                texts.append(self.say("range", first=name(run[0]), last=name(run[-1])))
            else:
                texts += [name(number) for number in run]
        return texts

    def weekly(self, days: Sequence[int], form: str = "week") -> str:
        """On these days of every week, Sunday being 7: ``on Mondays and Fridays``, ``Monday to Friday``.

        ``form`` is ``week``, or ``also_week`` and ``only_week`` where it is said beside days of the month.
        """
        if any(len(run) > 2 for run in runs_of(days, 7)):
            return self.say(f"{form}_range", days=self.ranges(days, self.weekday, cycle=7))
        return self.say(f"{form}_days", days=self.listed([self.many_weekdays[day % 7] for day in days]))

    def country(self, code: str) -> str:
        """A country by its usual name, where that is known here."""
        return self.countries.get(code, code)

    def sentence(self, text: str) -> str:
        """The text with a capital and a full stop."""
        return self.spaced(text[:1].upper() + text[1:] + self.phrases["stop"])

    def spaced(self, text: str) -> str:
        """The text with one space between Chinese and other writing, and none within Chinese or before a comma."""
        return _SEAM.sub(" ", _GAP.sub("", text)).replace(" ,", ",")

    def weekday(self, number: int) -> str:
        """The name of a day of the week; Sunday is 0, and also 7, to be listed last."""
        return self.weekdays[number % 7]


def runs_of(numbers: Sequence[int], cycle: int = 0) -> list[list[int]]:
    """Numbers cut where one does not follow the one before; on a clock a run of three or more may go past its end."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    if cycle and len(runs) > 1 and (runs[-1][-1] + 1 - runs[0][0]) % cycle == 0 and len(runs[0] + runs[-1]) > 2:
        runs = [[*runs[-1], *runs[0]], *runs[1:-1]]
    return runs


_SEAM = re.compile(r"(?<=[0-9A-Za-z])(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z])")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])|(?<=[\u3001-\u3011\uff00-\uffef]) ")
_ENDINGS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_ENGLISH_MONTHS = "January February March April May June July August September October November December"

_TENS = ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]

ENGLISH = Language(
    weekdays=["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    many_weekdays=["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"],
    months=_ENGLISH_MONTHS.split(),
    days=[f"{day}{_ENDINGS.get(day, 'th')}" for day in range(33)],
    places=("last", "first", "second", "third", "fourth", "fifth"),
    places_from_last=["", *_TENS, *(f"{day}{_ENDINGS.get(day, 'th')}" for day in range(11, 33))],
    countries={
        "AU": "Australia",
        "BR": "Brazil",
        "CA": "Canada",
        "CN": "China",
        "DE": "Germany",
        "ES": "Spain",
        "FR": "France",
        "GB": "the United Kingdom",
        "HK": "Hong Kong",
        "IN": "India",
        "IT": "Italy",
        "JP": "Japan",
        "KR": "South Korea",
        "SG": "Singapore",
        "TW": "Taiwan",
        "US": "the United States",
    },
    phrases={
        "stop": ".",
        "comma": ", ",
        "and_list": "{first} and {last}",
        "or_list": "{first} or {last}",
        "either_list": "{first} or {last}",
        "length_list": "{first} and {last}",
        "range": "{first} to {last}",
        # the time of day
        "every_seconds": "every {count} seconds",
        "every_seconds_1": "every second",
        "every_minutes": "every {count} minutes",
        "every_minutes_1": "every minute",
        "every_hours": "every {count} hours",
        "every_hours_1": "every hour",
        "on_the_hour": "every hour, on the hour",
        "at": "at {times}",
        "past_hour": "at {minutes} minutes past every hour",
        "part_of_hour": "{often} from minute {first} to minute {last} of every hour",
        "hours_past": "every {count} hours, at {minutes} minutes past",
        "span": "{start} to {end}",
        "from_to": "{often} from {spans}",
        "at_seconds": "{minutes}, at seconds {seconds}",
        "at_seconds_1": "{minutes}, at second {seconds}",
        "in_minutes": "{often} for one minute, {minutes}",
        # the day
        "every_day": "every day",
        "any_day": "",
        "week_days": "on {days}",
        "week_range": ", {days}",
        "also_week_days": "on {days}",
        "also_week_range": "from {days}",
        "only_week_days": "on {days}",
        "only_week_range": "from {days}",
        "on_days": "on {days} of {of}",
        "on_counted": "on {days} of {of}",
        "of_month": "the month",
        "of_months": "{months}",
        "of_months_that_year": "{months}",
        "of_month_range": "each month from {months}",
        "in_months": "{what} in {months}",
        "from_months": "{what} from {months}",
        "the_day": "the {day}",
        "odd_days": "odd days",
        "even_days": "even days",
        "last_day": "the last day",
        "before_last": "the {day}-to-last day",
        "near": "the weekday nearest the {day}",
        "near_last": "the last weekday",
        "near_before_last": "the weekday nearest the {day}-to-last day",
        "workdays": "weekdays",
        "nth": "the {places} {weekday}",
        "either_day": "{days} and also {weekdays}",
        "both_days": "{days}, but only {weekdays}",
        "in_years": "{what} in {years}",
        "from_years": "{what} from {years}",
        "in_weeks": "{what} in weeks {weeks} of the year",
        "in_weeks_1": "{what} in week {weeks} of the year",
        "each_weeks": "{what}, every {count} weeks from week 1 of the year",
        "when": "{time} {day}",
        "often_when": "{time} {day}",
        # choices and zones
        "zone": "{what} ({zone} time)",
        "zone_utc": "{what} (UTC)",
        "gap_skip": "{what}; not on days when the clocks skip that time",
        "fold_second": "{what}; the second time on days when the clocks show that time twice",
        "fold_both": "{what}; both times on days when the clocks show that time twice",
        "by_hash": "{what}; the H in the line stands for a value that the schedule's id decides, so this is an example",
        # other triggers
        "every": "every {length}",
        "every_days_long": "every {count} days of 24 hours",
        "pause": "{length} after each run finishes",
        "randomly": "at random intervals of {shortest} to {longest}",
        "after": "once, {length} after the schedule is created",
        "once": "once, at {time}",
        "each_once": "once each at {times}",
        "times": "{count} times, first at {first} and last at {last}",
        "every_days": "every {count} days at {times}",
        "every_days_1": "every day at {times}",
        "every_weeks": "every {count} weeks on {weekday} at {times}",
        "every_weeks_1": "every {weekday} at {times}",
        "every_months": "every {count} months on the {day} at {times}",
        "every_months_1": "every month on the {day} at {times}",
        "every_years": "every {count} years on the {day} of {month} at {times}",
        "every_years_1": "every year on the {day} of {month} at {times}",
        "from_creation_months": "every {count} months at {times}",
        "from_creation_months_1": "every month at {times}",
        "from_creation_days": "every {count} days at {times}",
        "short_months": "{what}, or on the last day of a shorter month",
        "leap_day": "{what}, or on the 28th in years that have no such day",
        "counted_from": "{what}, counted from {day}",
        "counted_from_creation": "{what}, counted from the day when the schedule is created",
        "by_rule": "by the recurrence rule {rule}",
        "starting": "{what}, starting {time}",
        "until": "{what}, until {time}",
        "limit": "{what}, {count} times in all",
        "limit_1": "{what}, only once",
        "jitter": "{what}, each time with a random delay of up to {length}",
        "spread": "{what}, always with the same delay of up to {length}",
        "either": "{first}; and also {last}",
        "both": "{first}, but only when that is also {last}",
        "unless": "{what}, but not {other}",
        "only": "{what}, only {calendar}",
        "except": "{what}, except {calendar}",
        "shift_next": "{what}, moved to the next {day} if it is not one",
        "shift_previous": "{what}, moved to the previous {day} if it is not one",
        # calendars: when they are, what one of their days is called, and what they are
        "when_weekdays": "on {days}",
        "when_weekday_range": "from {days}",
        "when_hours": "between {start} and {end}",
        "when_window": "from {start} to {end}",
        "when_during": "during {calendar}",
        "when_days": "on {calendar}",
        "when_not": "at all times but {calendar}",
        "when_but_not": "{calendar} but not {others}",
        "day_weekdays": "{days}",
        "day_weekday_range": "day from {days}",
        "day_workdays": "weekday",
        "day_holidays": "public holiday in {country}",
        "day_business_days": "business day in {country}",
        "day_of": "day of {calendar}",
        "day_but": "day except {calendar}",
        "hours_between": "the time from {start} to {end}",
        "many_dates": "{count} listed days from {first} to {last}",
        "window": "the time from {start} to {end}",
        "during": "the {length} that begin {what}",
        "during_1": "the {length} that begins {what}",
        "holidays": "public holidays in {country}",
        "business_days": "business days in {country}",
        "part_of_country": "{country} ({part})",
        "not": "all time but {calendar}",
        "named": "“{name}”",
        # lengths
        "days": "{count} days",
        "days_1": "1 day",
        "hours": "{count} hours",
        "hours_1": "1 hour",
        "minutes": "{count} minutes",
        "minutes_1": "1 minute",
        "seconds": "{count} seconds",
        "seconds_1": "1 second",
        "milliseconds": "{count} milliseconds",
        "milliseconds_1": "1 millisecond",
        "microseconds": "{count} microseconds",
        "microseconds_1": "1 microsecond",
    },
)

CHINESE = Language(
    weekdays=[f"周{day}" for day in "日一二三四五六"],
    many_weekdays=[f"周{day}" for day in "日一二三四五六"],
    months=[f"{month} 月" for month in range(1, 13)],
    days=[f"{day} 日" for day in range(33)],
    places=("最后一个", "第一个", "第二个", "第三个", "第四个", "第五个"),
    places_from_last=[f"倒数第 {day + 1} 天" for day in range(32)],
    countries={
        "AU": "澳大利亚",
        "BR": "巴西",
        "CA": "加拿大",
        "CN": "中国",
        "DE": "德国",
        "ES": "西班牙",
        "FR": "法国",
        "GB": "英国",
        "HK": "香港",
        "IN": "印度",
        "IT": "意大利",
        "JP": "日本",
        "KR": "韩国",
        "SG": "新加坡",
        "TW": "台湾",
        "US": "美国",
    },
    phrases={
        "stop": "。",
        "comma": "、",
        "and_list": "{first}和{last}",
        "or_list": "{first}以及{last}",
        "either_list": "{first}或{last}",
        "length_list": "{first} {last}",
        "range": "{first}至{last}",
        # the time of day
        "every_seconds": "每 {count} 秒一次",
        "every_seconds_1": "每秒一次",
        "every_minutes": "每 {count} 分钟一次",
        "every_minutes_1": "每分钟一次",
        "every_hours": "每 {count} 小时一次",
        "every_hours_1": "每小时一次",
        "on_the_hour": "每小时整点",
        "at": "{times}",
        "past_hour": "每小时的第 {minutes} 分钟",
        "part_of_hour": "每小时的第 {first} 至 {last} 分钟之间{often}",
        "hours_past": "每 {count} 小时一次，在该小时的第 {minutes} 分钟",
        "span": "{start} 至 {end}",
        "from_to": "{spans}之间{often}",
        "at_seconds": "{minutes}，在第 {seconds} 秒",
        "in_minutes": "{minutes}，在那一分钟内{often}",
        # the day
        "every_day": "每天",
        "any_day": "每天",
        "week_days": "每{days}",
        "week_range": "每{days}",
        "also_week_days": "每{days}",
        "also_week_range": "每{days}",
        "only_week_days": "{days}",
        "only_week_range": "{days}",
        "on_days": "{of}{days}",
        "on_counted": "{of}{days}",
        "of_month": "每月",
        "of_months": "每年 {months}的",
        "of_months_1": "每年 {months}",
        "of_months_that_year": "{months}的",
        "of_months_that_year_1": "{months}",
        "of_month_range": "每年 {months}每月",
        "in_months": "{months}的{what}",
        "from_months": "{months}的{what}",
        "the_day": "{day}",
        "odd_days": "单数日",
        "even_days": "双数日",
        "last_day": "最后一天",
        "before_last": "{day}",
        "near": "最接近 {day}的工作日（周一至周五）",
        "near_last": "最后一个工作日（周一至周五）",
        "near_before_last": "最接近{day}的工作日（周一至周五）",
        "workdays": "周一至周五",
        "nth": "{places}{weekday}",
        "either_day": "{days}以及{weekdays}",
        "both_days": "{days}（仅限{weekdays}）",
        "in_years": "{years} 年{what}",
        "from_years": "{years} 年{what}",
        "in_weeks": "每年第 {weeks} 周的{what}",
        "each_weeks": "{what}（每年从第 1 周起，每 {count} 周一次）",
        "when": "{day} {time}",
        "often_when": "{day}，{time}",
        # choices and zones
        "zone": "{what}（{zone} 时间）",
        "zone_utc": "{what}（UTC 时间）",
        "gap_skip": "{what}；若当天因时钟拨快而没有这一时刻，则不执行",
        "fold_second": "{what}；若当天因时钟拨慢而两次到达这一时刻，则在第二次执行",
        "fold_both": "{what}；若当天因时钟拨慢而两次到达这一时刻，则两次都执行",
        "by_hash": "{what}；表达式中的 H 代表由计划 ID 决定的值，以上仅为示例",
        # other triggers
        "every": "每 {length}一次",
        "every_days_long": "每 {count} 天（每天按 24 小时计）一次",
        "pause": "每次运行结束 {length}后",
        "randomly": "以 {shortest}至 {longest}的随机间隔执行",
        "after": "计划创建 {length}后，仅一次",
        "once": "{time}，仅一次",
        "each_once": "{times}各一次",
        "times": "共 {count} 次，首次 {first}，末次 {last}",
        "every_days": "每 {count} 天一次，时间为 {times}",
        "every_days_1": "每天 {times}",
        "every_weeks": "每 {count} 周一次，{weekday} {times}",
        "every_weeks_1": "每{weekday} {times}",
        "every_months": "每 {count} 个月一次，{day} {times}",
        "every_months_1": "每月 {day} {times}",
        "every_years": "每 {count} 年一次，{month} {day} {times}",
        "every_years_1": "每年 {month} {day} {times}",
        "from_creation_months": "每 {count} 个月一次，时间为 {times}",
        "from_creation_months_1": "每月一次，时间为 {times}",
        "from_creation_days": "每 {count} 天一次，时间为 {times}",
        "short_months": "{what}，当月没有这一天时改为当月最后一天",
        "leap_day": "{what}，平年改为 2 月 28 日",
        "counted_from": "{what}，从 {day} 起算",
        "counted_from_creation": "{what}，从计划创建之日起算",
        "by_rule": "按重复规则 {rule}",
        "starting": "{what}，从 {time} 开始",
        "until": "{what}，到 {time} 为止",
        "limit": "{what}，共 {count} 次",
        "limit_1": "{what}，仅一次",
        "jitter": "{what}，每次随机推迟（最多 {length}）",
        "spread": "{what}，固定推迟（最多 {length}，每次相同）",
        "either": "{first}；以及{last}",
        "both": "{first}，且须同时符合：{last}",
        "unless": "{what}，但{other}除外",
        "only": "{what}，仅限{calendar}",
        "except": "{what}，{calendar}除外",
        "shift_next": "{what}，如当天不是{day}，则顺延到其后最近的一个",
        "shift_previous": "{what}，如当天不是{day}，则提前到此前最近的一个",
        # calendars
        "when_weekdays": "{days}",
        "when_weekday_range": "{days}",
        "when_hours": "{start} 至 {end}",
        "when_window": "{start} 至 {end}",
        "when_during": "{calendar}",
        "when_days": "{calendar}",
        "when_not": "{calendar}以外的时间",
        "when_but_not": "{calendar}（{others}除外）",
        "day_weekdays": "{days}",
        "day_weekday_range": "{days}",
        "day_workdays": "工作日（周一至周五）",
        "day_holidays": "{country}的法定假日",
        "day_business_days": "{country}的工作日",
        "day_of": "{calendar}中的一天",
        "day_but": "{calendar}以外的日子",
        "hours_between": "{start} 至 {end}",
        "many_dates": "从 {first} 到 {last} 所列的 {count} 天",
        "window": "{start} 至 {end}",
        "during": "{what}起的 {length}内",
        "holidays": "{country}的法定假日",
        "business_days": "{country}的工作日",
        "part_of_country": "{country}（{part}）",
        "not": "{calendar}以外的时间",
        "named": "“{name}”",
        # lengths
        "days": "{count} 天",
        "hours": "{count} 小时",
        "minutes": "{count} 分钟",
        "seconds": "{count} 秒",
        "milliseconds": "{count} 毫秒",
        "microseconds": "{count} 微秒",
    },
)

LANGUAGES = {"en": ENGLISH, "zh": CHINESE}
