# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Triggers in words that a manager understands."""

# ruff: noqa: E501, RUF001 - a sentence is a line, and Chinese has its own punctuation

import re

import pytest

from foliot.errors import TriggerError
from foliot.triggers import (
    after,
    at,
    between,
    business_days,
    cron,
    dates,
    during,
    every,
    holidays,
    randomly,
    rrule,
    weekdays,
    window,
)
from foliot.triggers.base import Trigger
from foliot.triggers.phrases import CHINESE, ENGLISH

SENTENCES = [
    (
        cron("0 9 * * mon-fri", tz="Asia/Seoul"),
        "At 09:00, Monday to Friday (Asia/Seoul time).",
        "每周一至周五 09:00（Asia/Seoul 时间）。",
    ),
    (cron("*/5 * * * *"), "Every 5 minutes.", "每 5 分钟一次。"),
    (cron("* * * * * *"), "Every second.", "每秒一次。"),
    (cron("30 * * * * *"), "Every minute, at second 30 (UTC).", "每分钟一次，在第 30 秒（UTC 时间）。"),
    (
        cron("*/15 9-17 * * mon-fri"),
        "Every 15 minutes from 09:00 to 17:45, Monday to Friday (UTC).",
        "每周一至周五，09:00 至 17:45 之间每 15 分钟一次（UTC 时间）。",
    ),
    (cron("0 * * * *"), "Every hour, on the hour (UTC).", "每小时整点（UTC 时间）。"),
    (cron("0 */2 * * *"), "Every 2 hours (UTC).", "每 2 小时一次（UTC 时间）。"),
    (
        cron("5,10 */2 * * *"),
        "Every 2 hours, at 5 and 10 minutes past (UTC).",
        "每 2 小时一次，在该小时的第 5 和 10 分钟（UTC 时间）。",
    ),
    (
        cron("*/10 3 * * * *"),
        "Every 10 seconds for one minute, at 3 minutes past every hour (UTC).",
        "每小时的第 3 分钟，在那一分钟内每 10 秒一次（UTC 时间）。",
    ),
    (
        cron("0 1-3,8-12 * * *"),
        "Every hour from 01:00 to 03:00 and 08:00 to 12:00 (UTC).",
        "01:00 至 03:00 和 08:00 至 12:00 之间每小时一次（UTC 时间）。",
    ),
    (cron("0 0 29 2 *"), "At 00:00 on the 29th of February (UTC).", "每年 2 月 29 日 00:00（UTC 时间）。"),
    (
        cron("0 0 13 * fri"),
        "At 00:00 on the 13th of the month and also on Fridays (UTC).",
        "每月 13 日以及每周五 00:00（UTC 时间）。",
    ),
    (
        cron("0 0 13 * fri", days="and"),
        "At 00:00 on the 13th of the month, but only on Fridays (UTC).",
        "每月 13 日（仅限周五）00:00（UTC 时间）。",
    ),
    (
        cron("0 10 * jan-mar 5#2,monL"),
        "At 10:00 on the second Friday and the last Monday of each month from January to March (UTC).",
        "每年 1 月至 3 月每月第二个周五和最后一个周一 10:00（UTC 时间）。",
    ),
    (
        cron("0 0 L-3,15W,L-1W * *"),
        (
            "At 00:00 on the fourth-to-last day, the weekday nearest the 15th and the weekday nearest the second-to-last day of the month (UTC)."
        ),
        (
            "每月倒数第 4 天、最接近 15 日的工作日（周一至周五）和最接近倒数第 2 天的工作日（周一至周五）00:00（UTC 时间）。"
        ),
    ),
    (
        cron("0 0 12 1 1 * 2026-2030"),
        "At 12:00 on the 1st of January from 2026 to 2030 (UTC).",
        "2026 至 2030 年每年 1 月 1 日 12:00（UTC 时间）。",
    ),
    (
        cron("0 9 * * 1", week="*/2"),
        "At 09:00 on Mondays, every 2 weeks from week 1 of the year (UTC).",
        "每周一（每年从第 1 周起，每 2 周一次）09:00（UTC 时间）。",
    ),
    (
        cron("0 9 * * 1", week=7),
        "At 09:00 on Mondays in week 7 of the year (UTC).",
        "每年第 7 周的每周一 09:00（UTC 时间）。",
    ),
    (cron("* * * 6 *"), "Every minute in June (UTC).", "6 月的每天，每分钟一次（UTC 时间）。"),
    (
        cron("30 2 * * *", tz="Europe/Berlin", gap="skip", fold="both"),
        (
            "At 02:30 every day; not on days when the clocks skip that time; both times on days when the clocks show that time twice (Europe/Berlin time)."
        ),
        "每天 02:30；若当天因时钟拨快而没有这一时刻，则不执行；若当天因时钟拨慢而两次到达这一时刻，则两次都执行（Europe/Berlin 时间）。",
    ),
    (
        cron("H 3 * * *"),
        "At 03:04 every day; the H in the line stands for a value that the schedule's id decides, so this is an example (UTC).",
        "每天 03:04；表达式中的 H 代表由计划 ID 决定的值，以上仅为示例（UTC 时间）。",
    ),
    (every("1h"), "Every hour.", "每小时一次。"),
    (every("90s"), "Every 90 seconds.", "每 90 秒一次。"),
    (every("36h"), "Every 36 hours.", "每 36 小时一次。"),
    (every("1.5s"), "Every 1.5 seconds.", "每 1.5 秒一次。"),
    (every("5m", after="finish"), "5 minutes after each run finishes.", "每次运行结束 5 分钟后。"),
    (randomly("1m", "5m"), "At random intervals of 1 minute to 5 minutes.", "以 1 分钟至 5 分钟的随机间隔执行。"),
    (after("10m"), "Once, 10 minutes after the schedule is created.", "计划创建 10 分钟后，仅一次。"),
    (
        at("2026-12-01 10:00", tz="Asia/Seoul"),
        "Once, at 2026-12-01 10:00 (Asia/Seoul time).",
        "2026-12-01 10:00，仅一次（Asia/Seoul 时间）。",
    ),
    (
        at("2026-12-01 10:00Z", "2026-12-03 10:00:30Z"),
        "Once each at 2026-12-01 10:00 and 2026-12-03 10:00:30 (UTC).",
        "2026-12-01 10:00 和 2026-12-03 10:00:30 各一次（UTC 时间）。",
    ),
    (
        every(months=1, at="09:00", anchor="2026-01-31"),
        "Every month on the 31st at 09:00, or on the last day of a shorter month (UTC).",
        "每月 31 日 09:00，当月没有这一天时改为当月最后一天（UTC 时间）。",
    ),
    (
        every(weeks=2, at="09:00", anchor="2026-01-05"),
        "Every 2 weeks on Monday at 09:00, counted from 2026-01-05 (UTC).",
        "每 2 周一次，周一 09:00，从 2026-01-05 起算（UTC 时间）。",
    ),
    (
        every(days=3),
        "Every 3 days at 00:00, counted from the day when the schedule is created (UTC).",
        "每 3 天一次，时间为 00:00，从计划创建之日起算（UTC 时间）。",
    ),
    (
        rrule("FREQ=DAILY", start="2026-01-01 09:00"),
        "By the recurrence rule FREQ=DAILY, starting 2026-01-01 09:00 (UTC).",
        "按重复规则 FREQ=DAILY，从 2026-01-01 09:00 开始（UTC 时间）。",
    ),
    (
        every("1h").starting("2026-01-01").until("2026-02-01").limit(3),
        "Every hour, starting 2026-01-01 00:00, until 2026-02-01 00:00, 3 times in all (UTC).",
        "每小时一次，从 2026-01-01 00:00 开始，到 2026-02-01 00:00 为止，共 3 次（UTC 时间）。",
    ),
    (every("1h").limit(1), "Every hour, only once.", "每小时一次，仅一次。"),
    (
        cron("0 0 * * *").spread("5m").jitter("30s"),
        (
            "At 00:00 every day, each time with a random delay of up to 30 seconds, always with the same delay of up to 5 minutes (UTC)."
        ),
        "每天 00:00，每次随机推迟（最多 30 秒），固定推迟（最多 5 分钟，每次相同）（UTC 时间）。",
    ),
    (
        cron("0 9 * * *", tz="Asia/Seoul") | cron("0 9 * * *", tz="Europe/Paris"),
        "At 09:00 every day (Asia/Seoul time); and also at 09:00 every day (Europe/Paris time).",
        "每天 09:00（Asia/Seoul 时间）；以及每天 09:00（Europe/Paris 时间）。",
    ),
    (
        (cron("0 9 * * *", tz="Asia/Seoul") | cron("0 9 * * *")).until("2026-01-01"),
        (
            "At 09:00 every day (Asia/Seoul time); and also at 09:00 every day (UTC), until 2026-01-01 00:00 (Asia/Seoul time)."
        ),
        "每天 09:00（Asia/Seoul 时间）；以及每天 09:00（UTC 时间），到 2026-01-01 00:00（Asia/Seoul 时间）为止。",
    ),
    (
        cron("0 * * * *") & every("2h", anchor="2026-01-01"),
        "Every hour, on the hour, but only when that is also every 2 hours (UTC).",
        "每小时整点，且须同时符合：每 2 小时一次（UTC 时间）。",
    ),
    (
        cron("0 * * * *") - cron("0 9 * * *"),
        "Every hour, on the hour, but not at 09:00 every day (UTC).",
        "每小时整点，但每天 09:00 除外（UTC 时间）。",
    ),
    (
        cron("0 9 * * *", tz="Asia/Seoul") - holidays("KR"),
        "At 09:00 every day, except on public holidays in South Korea (Asia/Seoul time).",
        "每天 09:00，韩国的法定假日除外（Asia/Seoul 时间）。",
    ),
    (
        every("1h") & between("08:00", "18:00", tz="Asia/Seoul"),
        "Every hour, only between 08:00 and 18:00 (Asia/Seoul time).",
        "每小时一次，仅限 08:00 至 18:00（Asia/Seoul 时间）。",
    ),
    (
        cron("0 9 25 * *").shift("next", business_days("KR")),
        "At 09:00 on the 25th of the month, moved to the next business day in South Korea if it is not one (UTC).",
        "每月 25 日 09:00，如当天不是韩国的工作日，则顺延到其后最近的一个（UTC 时间）。",
    ),
    (
        every("1h") - (during(cron("0 2 * * sun"), "4h") | dates("2026-12-24", "2026-12-27/2026-12-31")),
        (
            "Every hour, except during the 4 hours that begin at 02:00 on Sundays or on 2026-12-24 and 2026-12-27 to 2026-12-31 (UTC)."
        ),
        "每小时一次，每周日 02:00 起的 4 小时内以及 2026-12-24 和 2026-12-27 至 2026-12-31 除外（UTC 时间）。",
    ),
    (
        every("1h") & (weekdays("sat-mon") - window("2026-12-24", "2026-12-27")).named("opening hours"),
        "Every hour, only during “opening hours”.",
        "每小时一次，仅限“opening hours”。",
    ),
    (
        every("1h") & (weekdays("sat-mon") - window("2026-12-24", "2026-12-27")),
        ("Every hour, only from Saturday to Monday but not from 2026-12-24 00:00 to 2026-12-27 00:00 (UTC)."),
        "每小时一次，仅限周六至周一（2026-12-24 00:00 至 2026-12-27 00:00 除外）（UTC 时间）。",
    ),
    (
        every("1h") - dates("2026-01-01", "2026-01-06", "2026-04-03", "2026-04-06", "2026-12-24"),
        "Every hour, except on 5 listed days from 2026-01-01 to 2026-12-24 (UTC).",
        "每小时一次，从 2026-01-01 到 2026-12-24 所列的 5 天除外（UTC 时间）。",
    ),
    (
        cron("0 9 13 12 fri"),
        "At 09:00 on the 13th of December and also on Fridays in December (UTC).",
        "每年 12 月 13 日以及 12 月的每周五 09:00（UTC 时间）。",
    ),
    (
        cron("0 9 13 12 mon-fri"),
        "At 09:00 on the 13th of December and also from Monday to Friday in December (UTC).",
        "每年 12 月 13 日以及 12 月的每周一至周五 09:00（UTC 时间）。",
    ),
    (
        cron("0 0 1 * mon-fri", days="and"),
        "At 00:00 on the 1st of the month, but only from Monday to Friday (UTC).",
        "每月 1 日（仅限周一至周五）00:00（UTC 时间）。",
    ),
    (
        cron("0 0 0 1 1 * 2027"),
        "At 00:00 on the 1st of January in 2027 (UTC).",
        "2027 年 1 月 1 日 00:00（UTC 时间）。",
    ),
    (
        cron("0 9 1,15 jan-mar *"),
        "At 09:00 on the 1st and 15th of each month from January to March (UTC).",
        "每年 1 月至 3 月每月 1 日和 15 日 09:00（UTC 时间）。",
    ),
    (
        cron("0 9 * nov-feb *"),
        "At 09:00 every day from November to February (UTC).",
        "11 月至 2 月的每天 09:00（UTC 时间）。",
    ),
    (
        cron("0 9 * jan,oct,dec mon"),
        "At 09:00 on Mondays in January, October and December (UTC).",
        "1 月、10 月和 12 月的每周一 09:00（UTC 时间）。",
    ),
    (cron("0 9 W 3 *"), "At 09:00, Monday to Friday in March (UTC).", "3 月的每周一至周五 09:00（UTC 时间）。"),
    (
        cron("0 18 L,15 * *"),
        "At 18:00 on the 15th and the last day of the month (UTC).",
        "每月 15 日和最后一天 18:00（UTC 时间）。",
    ),
    (
        cron("0 0 12 * * mon#1,mon#3"),
        "At 12:00 on the first and third Monday of the month (UTC).",
        "每月第一个和第三个周一 12:00（UTC 时间）。",
    ),
    (
        cron("0 9 * * mon,fri#2"),
        "At 09:00 on Mondays and on the second Friday of the month (UTC).",
        "每周一和每月第二个周五 09:00（UTC 时间）。",
    ),
    (
        cron("0 0 */2 * mon"),
        "At 00:00 on odd days of the month, but only on Mondays (UTC).",
        "每月单数日（仅限周一）00:00（UTC 时间）。",
    ),
    (cron("0 0 2-30/2 * *"), "At 00:00 on even days of the month (UTC).", "每月双数日 00:00（UTC 时间）。"),
    (cron("0 12 * * sat-mon"), "At 12:00, Saturday to Monday (UTC).", "每周六至周一 12:00（UTC 时间）。"),
    (
        cron("0 9 * * 1,2,3,5"),
        "At 09:00, Monday to Wednesday and Friday (UTC).",
        "每周一至周三和周五 09:00（UTC 时间）。",
    ),
    (cron("0 22-2 * * *"), "Every hour from 22:00 to 02:00 (UTC).", "22:00 至 02:00 之间每小时一次（UTC 时间）。"),
    (cron("* 22-2 * * *"), "Every minute from 22:00 to 02:59 (UTC).", "22:00 至 02:59 之间每分钟一次（UTC 时间）。"),
    (
        cron("23 0-20/2 * * *"),
        "Every 2 hours from 00:23 to 20:23 (UTC).",
        "00:23 至 20:23 之间每 2 小时一次（UTC 时间）。",
    ),
    (cron("10-20 8 * * *"), "Every minute from 08:10 to 08:20 (UTC).", "08:10 至 08:20 之间每分钟一次（UTC 时间）。"),
    (
        cron("*/7 * * * *"),
        "Every 7 minutes from minute 0 to minute 56 of every hour (UTC).",
        "每小时的第 0 至 56 分钟之间每 7 分钟一次（UTC 时间）。",
    ),
    (
        cron("*/20 */6 * * *"),
        "Every 20 minutes from 00:00 to 00:40, 06:00 to 06:40, 12:00 to 12:40 and 18:00 to 18:40 (UTC).",
        "00:00 至 00:40、06:00 至 06:40、12:00 至 12:40 和 18:00 至 18:40 之间每 20 分钟一次（UTC 时间）。",
    ),
    (cron("5 */10 * * * *"), "Every 10 minutes, at second 5 (UTC).", "每 10 分钟一次，在第 5 秒（UTC 时间）。"),
    (
        cron("*/3 */2 * * * *"),
        "Every 3 seconds for one minute, every 2 minutes.",
        "每 2 分钟一次，在那一分钟内每 3 秒一次。",
    ),
    (
        cron("*/30 * 9-17 * * *"),
        "Every 30 seconds from 09:00 to 17:59:30 (UTC).",
        "09:00 至 17:59:30 之间每 30 秒一次（UTC 时间）。",
    ),
    (cron("5,35 * * * * *"), "Every minute, at seconds 5 and 35 (UTC).", "每分钟一次，在第 5 和 35 秒（UTC 时间）。"),
    (
        cron("0 9 * 2,7 1#1"),
        "At 09:00 on the first Monday of February and July (UTC).",
        "每年 2 月和 7 月的第一个周一 09:00（UTC 时间）。",
    ),
    (
        cron("*/5 9-17 * 1-6 mon-fri"),
        "Every 5 minutes from 09:00 to 17:55, Monday to Friday from January to June (UTC).",
        "1 月至 6 月的每周一至周五，09:00 至 17:55 之间每 5 分钟一次（UTC 时间）。",
    ),
    (
        cron("0 0 12 1 1 * 2027,2030"),
        "At 12:00 on the 1st of January in 2027 and 2030 (UTC).",
        "2027 和 2030 年每年 1 月 1 日 12:00（UTC 时间）。",
    ),
    (
        cron("0 9 * * *", week="1,3,5"),
        "At 09:00 every day in weeks 1, 3 and 5 of the year (UTC).",
        "每年第 1、3 和 5 周的每天 09:00（UTC 时间）。",
    ),
    (every("7d"), "Every 7 days of 24 hours.", "每 7 天（每天按 24 小时计）一次。"),
    (
        every(months=1, at="09:00"),
        "Every month at 09:00, counted from the day when the schedule is created (UTC).",
        "每月一次，时间为 09:00，从计划创建之日起算（UTC 时间）。",
    ),
    (every(weeks=1, at="09:00", anchor="2026-01-05"), "Every Monday at 09:00 (UTC).", "每周一 09:00（UTC 时间）。"),
    (
        every(years=1, anchor="2024-02-29"),
        "Every year on the 29th of February at 00:00, or on the 28th in years that have no such day (UTC).",
        "每年 2 月 29 日 00:00，平年改为 2 月 28 日（UTC 时间）。",
    ),
    (
        every(years=2, anchor="2026-05-31", at="08:30"),
        "Every 2 years on the 31st of May at 08:30, counted from 2026-05-31 (UTC).",
        "每 2 年一次，5 月 31 日 08:30，从 2026-05-31 起算（UTC 时间）。",
    ),
    (
        at(*(f"2026-12-0{day} 00:00Z" for day in (1, 2, 3, 4))),
        "4 times, first at 2026-12-01 00:00 and last at 2026-12-04 00:00 (UTC).",
        "共 4 次，首次 2026-12-01 00:00，末次 2026-12-04 00:00（UTC 时间）。",
    ),
    (
        cron("0 9 1 * *").shift("next", weekdays()),
        "At 09:00 on the 1st of the month, moved to the next weekday if it is not one (UTC).",
        "每月 1 日 09:00，如当天不是工作日（周一至周五），则顺延到其后最近的一个（UTC 时间）。",
    ),
    (
        cron("0 9 1 * *").shift("previous", weekdays("sat", "sun")),
        "At 09:00 on the 1st of the month, moved to the previous Saturday or Sunday if it is not one (UTC).",
        "每月 1 日 09:00，如当天不是周六或周日，则提前到此前最近的一个（UTC 时间）。",
    ),
    (
        cron("0 9 1 * *").shift("next", weekdays("sat-mon")),
        "At 09:00 on the 1st of the month, moved to the next day from Saturday to Monday if it is not one (UTC).",
        "每月 1 日 09:00，如当天不是周六至周一，则顺延到其后最近的一个（UTC 时间）。",
    ),
    (
        cron("0 9 1 * *").shift("next", ~weekdays("sat", "sun")),
        "At 09:00 on the 1st of the month, moved to the next day except on Saturdays and Sundays if it is not one (UTC).",
        "每月 1 日 09:00，如当天不是周六和周日以外的日子，则顺延到其后最近的一个（UTC 时间）。",
    ),
    (
        cron("0 9 1 * *").shift("previous", holidays("XK")),
        "At 09:00 on the 1st of the month, moved to the previous public holiday in XK if it is not one (UTC).",
        "每月 1 日 09:00，如当天不是 XK 的法定假日，则提前到此前最近的一个（UTC 时间）。",
    ),
    (
        cron("0 9 * * *") & weekdays("mon", "thu"),
        "At 09:00 every day, only on Mondays and Thursdays (UTC).",
        "每天 09:00，仅限周一和周四（UTC 时间）。",
    ),
    (
        every("1h") & (weekdays() & ~between("12:00", "13:00") - holidays("US", "CA")),
        "Every hour, only from Monday to Friday but not between 12:00 and 13:00 or on public holidays in the United States (CA) (UTC).",
        "每小时一次，仅限周一至周五（12:00 至 13:00 以及美国（CA）的法定假日除外）（UTC 时间）。",
    ),
    (
        every("1h") - (~weekdays() & ~holidays("KR")),
        "Every hour, only from Monday to Friday or on public holidays in South Korea (UTC).",
        "每小时一次，仅限周一至周五以及韩国的法定假日（UTC 时间）。",
    ),
    (
        every("1h") - ~business_days("CN"),
        "Every hour, only on business days in China (UTC).",
        "每小时一次，仅限中国的工作日（UTC 时间）。",
    ),
    (
        every("1h") - during(every("1d", anchor="2026-01-01"), "90m"),
        "Every hour, except during the 1 hour and 30 minutes that begin every 24 hours.",
        "每小时一次，每 24 小时一次起的 1 小时 30 分钟内除外。",
    ),
]


@pytest.mark.parametrize(("trigger", "english", "chinese"), SENTENCES)
def test_a_trigger_is_a_sentence_in_each_language(trigger, english, chinese):
    assert trigger.explain() == english
    assert trigger.explain("zh") == chinese


def test_both_languages_have_the_same_things_to_say():
    def said(language):
        return {phrase.removesuffix("_1") for phrase in language.phrases}

    assert said(ENGLISH) == said(CHINESE)
    assert ENGLISH.countries.keys() == CHINESE.countries.keys()
    for phrase, text in CHINESE.phrases.items():
        english = ENGLISH.phrases.get(phrase) or ENGLISH.phrases[phrase.removesuffix("_1")]
        assert set(re.findall(r"{\w+}", text)) <= set(re.findall(r"{\w+}", english)), phrase


def test_languages_go_by_their_usual_codes():
    assert every("1h").explain("zh-CN") == every("1h").explain("zh_Hans")
    with pytest.raises(TriggerError, match="there are en, zh"):
        every("1h").explain("fr")


def test_a_trigger_of_another_module_is_explained_by_what_it_writes():
    class Elsewhere(Trigger):
        def next_at(self, after):
            return None

        def spec(self):
            return {"cron": "0 9 * * *"}

    assert Elsewhere().explain() == "At 09:00 every day (UTC)."
