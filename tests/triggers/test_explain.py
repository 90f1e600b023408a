# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Triggers in words that a manager understands."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

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
        "At 09:00 on Monday to Friday (Asia/Seoul time).",
        "每周一至周五 09:00（Asia/Seoul 时间）。",
    ),
    (cron("*/5 * * * *"), "Every 5 minutes.", "每 5 分钟。"),
    (cron("* * * * * *"), "Every second.", "每秒。"),
    (cron("30 * * * * *"), "At second 30 of every minute (UTC time).", "每分钟的第 30 秒（UTC 时间）。"),
    (
        cron("*/15 9-17 * * mon-fri"),
        "Every 15 minutes from 09:00 to 17:45 on Monday to Friday (UTC time).",
        "每周一至周五，09:00 至 17:45 之间每 15 分钟（UTC 时间）。",
    ),
    (cron("0 * * * *"), "Every hour (UTC time).", "每小时整点（UTC 时间）。"),
    (cron("0 */2 * * *"), "Every 2 hours (UTC time).", "每 2 小时（UTC 时间）。"),
    (
        cron("5,10 */2 * * *"),
        "Every 2 hours at 5 and 10 minutes past (UTC time).",
        "每 2 小时的第 5 和 10 分钟（UTC 时间）。",
    ),
    (
        cron("*/10 3 * * * *"),
        "Every 10 seconds of each minute that comes at 3 minutes past every hour (UTC time).",
        "在每小时的第 3 分钟的那一分钟内每 10 秒（UTC 时间）。",
    ),
    (
        cron("0 1-3,8-12 * * *"),
        "Every hour in the hours 1 to 3 and 8 to 12 (UTC time).",
        "在 1 至 3 和 8 至 12 点内每小时整点（UTC 时间）。",
    ),
    (cron("0 0 29 2 *"), "At 00:00 on the 29th of February (UTC time).", "每年 2 月 29 日 00:00（UTC 时间）。"),
    (
        cron("0 0 13 * fri"),
        "At 00:00 on the 13th of the month and on Friday (UTC time).",
        "每月 13 日以及每周五 00:00（UTC 时间）。",
    ),
    (
        cron("0 0 13 * fri", days="and"),
        "At 00:00 on the 13th of the month if that is on Friday (UTC time).",
        "每月 13 日且恰逢每周五时 00:00（UTC 时间）。",
    ),
    (
        cron("0 10 * jan-mar 5#2,monL"),
        "At 10:00 on the second Friday of the month and the last Monday of the month in January to March (UTC time).",
        "1 月至 3 月的每月第二个周五和每月最后一个周一 10:00（UTC 时间）。",
    ),
    (
        cron("0 0 L-3,15W,L-1W * *"),
        (
            "At 00:00 on the 4th to last day, Monday to Friday nearest the 15th and "
            "Monday to Friday nearest the 2nd to last day of the month (UTC time)."
        ),
        (
            "每月倒数第 4 日、最接近 15 日的工作日（周一至周五）和"
            "最接近倒数第 2 日的工作日（周一至周五）00:00（UTC 时间）。"
        ),
    ),
    (
        cron("0 0 12 1 1 * 2026-2030"),
        "At 12:00 on the 1st of January in 2026 to 2030 (UTC time).",
        "2026 至 2030 年每年 1 月 1 日 12:00（UTC 时间）。",
    ),
    (
        cron("0 9 * * 1", week="*/2"),
        "At 09:00 on Monday, every 2 weeks from week 1 of the year (UTC time).",
        "每周一（每年从第 1 周起每 2 周一次）09:00（UTC 时间）。",
    ),
    (
        cron("0 9 * * 1", week=7),
        "At 09:00 on Monday in week 7 of the year (UTC time).",
        "每年第 7 周每周一 09:00（UTC 时间）。",
    ),
    (cron("* * * 6 *"), "Every minute in June (UTC time).", "6 月的每一天，每分钟（UTC 时间）。"),
    (
        cron("30 2 * * *", tz="Europe/Berlin", gap="skip", fold="both"),
        (
            "At 02:30 every day; left out on nights when the clocks jump over it; "
            "both times on nights when the clocks repeat it (Europe/Berlin time)."
        ),
        "每天 02:30；时钟拨快而跳过该时刻的当晚不执行；时钟拨慢而重复该时刻的当晚两次都执行（Europe/Berlin 时间）。",
    ),
    (
        cron("H 3 * * *"),
        "At 03:04 every day; where the line says H, the name of the schedule decides (UTC time).",
        "每天 03:04；表达式中的 H 由计划名称决定（UTC 时间）。",
    ),
    (every("1h"), "Every hour.", "每小时。"),
    (every("90s"), "Every 90 seconds.", "每 90 秒。"),
    (every("36h"), "Every 36 hours.", "每 36 小时。"),
    (every("1.5s"), "Every 1 second and 500 milliseconds.", "每 1 秒和 500 毫秒。"),
    (every("5m", after="finish"), "5 minutes after each run has finished.", "每次运行结束 5 分钟后。"),
    (randomly("1m", "5m"), "After random waits of 1 minute to 5 minutes.", "每隔随机的 1 分钟至 5 分钟。"),
    (after("10m"), "Once, 10 minutes after the schedule is created.", "计划创建 10 分钟后，仅一次。"),
    (
        at("2026-12-01 10:00", tz="Asia/Seoul"),
        "Once, at 2026-12-01 10:00 (Asia/Seoul time).",
        "2026-12-01 10:00，仅一次（Asia/Seoul 时间）。",
    ),
    (
        at("2026-12-01 10:00", "2026-12-03 10:00:30"),
        "2 times, from 2026-12-01 10:00 to 2026-12-03 10:00:30 (UTC time).",
        "从 2026-12-01 10:00 到 2026-12-03 10:00:30 共 2 次（UTC 时间）。",
    ),
    (
        every(months=1, at="09:00", anchor="2026-01-31"),
        "Every month on the 31st at 09:00, or on the last day of a shorter month (UTC time).",
        "每月 31 日 09:00，当月没有这一天时为当月最后一天（UTC 时间）。",
    ),
    (
        every(weeks=2, at="09:00", anchor="2026-01-05"),
        "Every 2 weeks on Monday at 09:00, counted from 2026-01-05 (UTC time).",
        "每 2 周的周一 09:00，从 2026-01-05 起算（UTC 时间）。",
    ),
    (every(days=3), "Every 3 days at 00:00 (UTC time).", "每 3 天 00:00（UTC 时间）。"),
    (
        rrule("FREQ=DAILY", start="2026-01-01 09:00"),
        "By the recurrence rule FREQ=DAILY, starting 2026-01-01 09:00 (UTC time).",
        "按重复规则 FREQ=DAILY，从 2026-01-01 09:00 开始（UTC 时间）。",
    ),
    (
        every("1h").starting("2026-01-01").until("2026-02-01").limit(3),
        "Every hour, starting 2026-01-01 00:00, until 2026-02-01 00:00, 3 times in all (UTC time).",
        "每小时，从 2026-01-01 00:00 开始，到 2026-02-01 00:00 为止，共 3 次（UTC 时间）。",
    ),
    (every("1h").limit(1), "Every hour, only once.", "每小时，仅一次。"),
    (
        cron("0 0 * * *").spread("5m").jitter("30s"),
        (
            "At 00:00 every day, each time up to 30 seconds late at random, "
            "always late by the same part of 5 minutes (UTC time)."
        ),
        "每天 00:00，每次随机推迟至多 30 秒，固定推迟 5 分钟以内的同一时长（UTC 时间）。",
    ),
    (
        cron("0 9 * * *", tz="Asia/Seoul") | cron("0 9 * * *", tz="Europe/Paris"),
        "At 09:00 every day (Asia/Seoul time); and also at 09:00 every day (Europe/Paris time).",
        "每天 09:00（Asia/Seoul 时间）；以及每天 09:00（Europe/Paris 时间）。",
    ),
    (
        (cron("0 9 * * *", tz="Asia/Seoul") | cron("0 9 * * *")).until("2026-01-01"),
        (
            "At 09:00 every day (Asia/Seoul time); and also at 09:00 every day (UTC time), "
            "until 2026-01-01 00:00 (Asia/Seoul time)."
        ),
        "每天 09:00（Asia/Seoul 时间）；以及每天 09:00（UTC 时间），到 2026-01-01 00:00（Asia/Seoul 时间）为止。",
    ),
    (
        cron("0 * * * *") & every("2h"),
        "Every hour, only when that is also every 2 hours (UTC time).",
        "每小时整点，且须同时符合每 2 小时（UTC 时间）。",
    ),
    (
        cron("0 * * * *") - cron("0 9 * * *"),
        "Every hour, except when that is also at 09:00 every day (UTC time).",
        "每小时整点，但同时符合每天 09:00 时除外（UTC 时间）。",
    ),
    (
        cron("0 9 * * *", tz="Asia/Seoul") - holidays("KR"),
        "At 09:00 every day, except during public holidays in KR (Asia/Seoul time).",
        "每天 09:00，KR 的公众假日除外（Asia/Seoul 时间）。",
    ),
    (
        every("1h") & between("08:00", "18:00", tz="Asia/Seoul"),
        "Every hour, only during the time from 08:00 to 18:00 (Asia/Seoul time).",
        "每小时，仅限 08:00 至 18:00（Asia/Seoul 时间）。",
    ),
    (
        cron("0 9 25 * *").shift("next", business_days("KR")),
        "At 09:00 on the 25th of the month, moved forward to business days in KR (UTC time).",
        "每月 25 日 09:00，顺延至之后最近的 KR 的工作日（UTC 时间）。",
    ),
    (
        every("1h") - (during(cron("0 2 * * sun"), "4h") | dates("2026-12-24", "2026-12-27/2026-12-31")),
        (
            "Every hour, except during the 4 hours after each time that is at 02:00 on Sunday or "
            "2026-12-24 and 2026-12-27 to 2026-12-31 (UTC time)."
        ),
        "每小时，符合每周日 02:00 之后的 4 小时内或 2026-12-24 和 2026-12-27 至 2026-12-31 除外（UTC 时间）。",
    ),
    (
        every("1h") & (weekdays("sat-mon") - window("2026-12-24", "2026-12-27")).named("opening hours"),
        "Every hour, only during “opening hours”.",
        "每小时，仅限“opening hours”。",
    ),
    (
        every("1h") & (weekdays("sat-mon") - window("2026-12-24", "2026-12-27")),
        (
            "Every hour, only during Monday, Saturday and Sunday and "
            "all time but the time from 2026-12-24 00:00 to 2026-12-27 00:00 (UTC time)."
        ),
        "每小时，仅限周一、周六和周日和 2026-12-24 00:00 至 2026-12-27 00:00 以外的时间（UTC 时间）。",
    ),
    (
        every("1h") - dates("2026-01-01", "2026-01-06", "2026-04-03", "2026-04-06", "2026-12-24"),
        "Every hour, except during 5 listed days from 2026-01-01 to 2026-12-24 (UTC time).",
        "每小时，从 2026-01-01 到 2026-12-24 所列的 5 天除外（UTC 时间）。",
    ),
]


@pytest.mark.parametrize(("trigger", "english", "chinese"), SENTENCES)
def test_a_trigger_is_a_sentence_in_each_language(trigger, english, chinese):
    assert trigger.explain() == english
    assert trigger.explain("zh") == chinese


def test_both_languages_have_the_same_things_to_say():
    plurals = {phrase for phrase in ENGLISH.phrases if phrase.endswith("_1")}

    assert ENGLISH.phrases.keys() - plurals == CHINESE.phrases.keys() - plurals


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

    assert Elsewhere().explain() == "At 09:00 every day (UTC time)."
