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

    def ranges(self, numbers: Sequence[int], name: Callable[[int], str] = str) -> str:
        """The names of these numbers, with runs of three and more said as ranges."""
        runs: list[list[int]] = []
        for number in numbers:
            if runs and runs[-1][-1] == number - 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        texts: list[str] = []
        for run in runs:
            if len(run) > 2:
                texts.append(self.say("range", first=name(run[0]), last=name(run[-1])))
            else:
                texts += [name(number) for number in run]
        return self.listed(texts)

    def sentence(self, text: str) -> str:
        """The text with a capital and a full stop."""
        return self.spaced(text[:1].upper() + text[1:] + self.phrases["stop"])

    def spaced(self, text: str) -> str:
        """The text with one space between Chinese and other writing, and none within Chinese."""
        return _SEAM.sub(" ", _GAP.sub("", text))

    def weekday(self, number: int) -> str:
        """The name of a day of the week; Sunday is 0, and also 7, to be listed last."""
        return self.weekdays[number % 7]


_SEAM = re.compile(r"(?<=[0-9A-Za-z])(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z])")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])|(?<=[\u3001-\u3011\uff00-\uffef]) ")
_ENDINGS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_ENGLISH_MONTHS = "January February March April May June July August September October November December"

ENGLISH = Language(
    weekdays=["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    months=_ENGLISH_MONTHS.split(),
    days=[f"{day}{_ENDINGS.get(day, 'th')}" for day in range(33)],
    places=("last", "first", "second", "third", "fourth", "fifth"),
    phrases={
        "stop": ".",
        "comma": ", ",
        "and_list": "{first} and {last}",
        "or_list": "{first} or {last}",
        "range": "{first} to {last}",
        # the time of day
        "every_seconds": "every {count} seconds",
        "every_seconds_1": "every second",
        "every_minutes": "every {count} minutes",
        "every_minutes_1": "every minute",
        "every_hours": "every {count} hours",
        "every_hours_1": "every hour",
        "on_the_hour": "every hour",
        "at": "at {times}",
        "past_hour": "at {minutes} minutes past every hour",
        "hours_past": "every {count} hours at {minutes} minutes past",
        "from_to": "{often} from {start} to {end}",
        "in_hours": "{often} in the hours {hours}",
        "second_of_minute": "at second {seconds} of every minute",
        "at_seconds": "at second {seconds}",
        "in_minutes": "{often} of each minute that comes {minutes}",
        # the day
        "every_day": "every day",
        "weekly": "{days}",
        "on_weekdays": "on {days}",
        "on_days": "on the {days} of the month",
        "on_days_of": "on the {days} of {months}",
        "in_months": "{what} in {months}",
        "in_months_only": "in {months}",
        "last_day": "last day",
        "before_last": "{day} to last day",
        "near": "Monday to Friday nearest the {day}",
        "near_last": "last Monday to Friday",
        "near_before_last": "Monday to Friday nearest the {day} to last day",
        "workdays": "Mondays to Fridays",
        "nth": "the {place} {weekday} of the month",
        "either_day": "{days} and {weekdays}",
        "both_days": "{days} if that is {weekdays}",
        "in_years": "{what} in {years}",
        "in_weeks": "{what} in week {weeks} of the year",
        "each_weeks": "{what}, every {count} weeks from week 1 of the year",
        "when": "{time} {day}",
        "often_when": "{time} {day}",
        # choices and zones
        "zone": "{what} ({zone} time)",
        "gap_skip": "{what}; left out on nights when the clocks jump over it",
        "fold_second": "{what}; the second time on nights when the clocks repeat it",
        "fold_both": "{what}; both times on nights when the clocks repeat it",
        "by_hash": "{what}; where the line says H, the name of the schedule decides",
        # other triggers
        "every": "every {length}",
        "pause": "{length} after each run has finished",
        "randomly": "after random waits of {shortest} to {longest}",
        "after": "once, {length} after the schedule is created",
        "once": "once, at {time}",
        "times": "{count} times, from {first} to {last}",
        "every_days": "every {count} days at {times}",
        "every_days_1": "every day at {times}",
        "every_weeks": "every {count} weeks on {weekday} at {times}",
        "every_weeks_1": "every {weekday} at {times}",
        "every_months": "every {count} months on the {day} at {times}",
        "every_months_1": "every month on the {day} at {times}",
        "short_months": "{what}, or on the last day of a shorter month",
        "counted_from": "{what}, counted from {day}",
        "by_rule": "by the recurrence rule {rule}",
        "starting": "{what}, starting {time}",
        "until": "{what}, until {time}",
        "limit": "{what}, {count} times in all",
        "limit_1": "{what}, only once",
        "jitter": "{what}, each time up to {length} late at random",
        "spread": "{what}, always late by the same part of {length}",
        "either": "{first}; and also {last}",
        "both": "{first}, only when that is also {last}",
        "unless": "{what}, except when that is also {other}",
        "only": "{what}, only during {calendar}",
        "except": "{what}, except during {calendar}",
        "shift_next": "{what}, moved forward to {calendar}",
        "shift_previous": "{what}, moved back to {calendar}",
        # calendars
        "hours_between": "the time from {start} to {end}",
        "many_dates": "{count} listed days from {first} to {last}",
        "window": "the time from {start} to {end}",
        "during": "the {length} after each time that is {what}",
        "holidays": "public holidays in {country}",
        "business_days": "business days in {country}",
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
    months=[f"{month} 月" for month in range(1, 13)],
    days=[f"{day} 日" for day in range(33)],
    places=("最后一个", "第一个", "第二个", "第三个", "第四个", "第五个"),
    phrases={
        "stop": "。",
        "comma": "、",
        "and_list": "{first}和{last}",
        "or_list": "{first}或{last}",
        "range": "{first}至{last}",
        # the time of day
        "every_seconds": "每 {count} 秒",
        "every_seconds_1": "每秒",
        "every_minutes": "每 {count} 分钟",
        "every_minutes_1": "每分钟",
        "every_hours": "每 {count} 小时",
        "every_hours_1": "每小时",
        "on_the_hour": "每小时整点",
        "at": "{times}",
        "past_hour": "每小时的第 {minutes} 分钟",
        "hours_past": "每 {count} 小时的第 {minutes} 分钟",
        "from_to": "{start} 至 {end} 之间{often}",
        "in_hours": "在 {hours} 点内{often}",
        "second_of_minute": "每分钟的第 {seconds} 秒",
        "at_seconds": "第 {seconds} 秒",
        "in_minutes": "在{minutes}的那一分钟内{often}",
        # the day
        "every_day": "每天",
        "weekly": "每{days}",
        "on_weekdays": "{days}",
        "on_days": "每月 {days}",
        "on_days_of": "每年 {months} {days}",
        "in_months": "{months}的{what}",
        "in_months_only": "{months}的每一天",
        "last_day": "最后一天",
        "before_last": "倒数第 {day}",
        "near": "最接近 {day}的工作日（周一至周五）",
        "near_last": "最后一个工作日（周一至周五）",
        "near_before_last": "最接近倒数第 {day}的工作日（周一至周五）",
        "workdays": "工作日（周一至周五）",
        "nth": "每月{place}{weekday}",
        "either_day": "{days}以及{weekdays}",
        "both_days": "{days}且恰逢{weekdays}时",
        "in_years": "{years} 年{what}",
        "in_weeks": "每年第 {weeks} 周{what}",
        "each_weeks": "{what}（每年从第 1 周起每 {count} 周一次）",
        "when": "{day} {time}",
        "often_when": "{day}，{time}",
        # choices and zones
        "zone": "{what}（{zone} 时间）",
        "gap_skip": "{what}；时钟拨快而跳过该时刻的当晚不执行",
        "fold_second": "{what}；时钟拨慢而重复该时刻的当晚在第二次执行",
        "fold_both": "{what}；时钟拨慢而重复该时刻的当晚两次都执行",
        "by_hash": "{what}；表达式中的 H 由计划名称决定",
        # other triggers
        "every": "每 {length}",
        "pause": "每次运行结束 {length}后",
        "randomly": "每隔随机的 {shortest}至 {longest}",
        "after": "计划创建 {length}后，仅一次",
        "once": "{time}，仅一次",
        "times": "从 {first} 到 {last} 共 {count} 次",
        "every_days": "每 {count} 天 {times}",
        "every_days_1": "每天 {times}",
        "every_weeks": "每 {count} 周的{weekday} {times}",
        "every_weeks_1": "每{weekday} {times}",
        "every_months": "每 {count} 个月的 {day} {times}",
        "every_months_1": "每月 {day} {times}",
        "short_months": "{what}，当月没有这一天时为当月最后一天",
        "counted_from": "{what}，从 {day} 起算",
        "by_rule": "按重复规则 {rule}",
        "starting": "{what}，从 {time} 开始",
        "until": "{what}，到 {time} 为止",
        "limit": "{what}，共 {count} 次",
        "limit_1": "{what}，仅一次",
        "jitter": "{what}，每次随机推迟至多 {length}",
        "spread": "{what}，固定推迟 {length}以内的同一时长",
        "either": "{first}；以及{last}",
        "both": "{first}，且须同时符合{last}",
        "unless": "{what}，但同时符合{other}时除外",
        "only": "{what}，仅限{calendar}",
        "except": "{what}，{calendar}除外",
        "shift_next": "{what}，顺延至之后最近的{calendar}",
        "shift_previous": "{what}，提前至之前最近的{calendar}",
        # calendars
        "hours_between": "{start} 至 {end}",
        "many_dates": "从 {first} 到 {last} 所列的 {count} 天",
        "window": "{start} 至 {end}",
        "during": "符合{what}之后的 {length}内",
        "holidays": "{country} 的公众假日",
        "business_days": "{country} 的工作日",
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
