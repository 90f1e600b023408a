"""Defining jobs: what is a job, what is refused, and that defining does nothing else."""

from functools import partial
from typing import Any

import pytest

from foliot import Scheduler, triggers
from foliot.context import Context
from foliot.errors import ArgumentsError, DefinitionError, JobError, TriggerError, UnknownJob
from foliot.jobs import Decorator, Jobs, job, resource
from foliot.model import Terms
from foliot.moments import SECOND
from foliot.options import RunOptions
from foliot.triggers import weekdays
from foliot.when import When, after, at, cron, every


def double(x: int) -> int:
    return 2 * x


async def later(x: int, *, y: str = "y") -> str:
    return f"{x}{y}"


def test_a_decorated_function_is_still_called_like_before():
    assert job()(double)(21) == 42


def test_a_job_is_named_like_its_function_unless_told_otherwise():
    assert job()(double).name == "double"
    assert job(name="twice")(double).name == "twice"


def test_a_plain_function_runs_in_threads_and_an_async_one_inline():
    assert job()(double).executor == "threads"
    assert job()(later).executor == "inline"


def test_partials_and_callable_objects_are_jobs_once_they_have_a_name():
    class Greeter:
        async def __call__(self, name: str) -> str:
            return f"hello {name}"

    assert job(name="six")(partial(double, 3))() == 6
    assert job(name="greet")(Greeter()).executor == "inline"


def _generator():
    yield 1


captured = 7


def _closure() -> Any:
    inner = captured

    def closure() -> int:
        return inner

    return closure


def _late_context(x: int, context: Context) -> None: ...


def _two_contexts(one: Context, two: Context) -> None: ...


def _contexts(*contexts: Context) -> None: ...


def _bare_resource(db=resource()) -> None: ...


@pytest.mark.parametrize(
    ("function", "wishes", "says"),
    [
        (lambda: 1, {}, "no name that survives a restart"),
        (_closure(), {}, "no name that survives a restart"),
        (partial(double, 3), {}, "no name that survives a restart"),
        (_generator, {}, "is a generator"),
        (_late_context, {}, "must be its first parameter"),
        (_two_contexts, {}, "there can be only one"),
        (_contexts, {}, "must be its first parameter"),
        (_bare_resource, {}, "needs an annotation"),
        (later, {"executor": "threads"}, "is async"),
        (3, {}, "is not a function"),
        (double, {"overlap": "skip"}, "is a schedule's option"),
        (double, {"retrys": 3}, "did you mean 'retries'"),
        (double, {"key": "{y}"}, "'y' is no parameter; there are: x"),
        (double, {"key": "{x"}, "write {parameter}"),
        (double, {"unique": "{0}"}, "'0' is no parameter"),
        (double, {"meta": {"owner": object()}}, "give plain data that is JSON"),
    ],
)
def test_what_cannot_be_a_job_is_refused_with_the_remedy(function: Any, wishes: dict[str, Any], says: str):
    with pytest.raises(JobError) as refused:
        job(**wishes)(function)

    assert says in str(refused.value)


def test_two_jobs_cannot_share_a_name():
    jobs = Jobs()
    jobs.add(job()(double))

    with pytest.raises(JobError, match="two jobs are called 'double'"):
        jobs.add(job()(double))


def test_an_unknown_job_is_answered_with_the_nearest_name():
    jobs = Jobs()
    jobs.add(job()(double))

    with pytest.raises(UnknownJob, match="did you mean 'double'"):
        jobs["doubl"]


async def test_enqueuing_a_job_of_no_scheduler_says_what_to_do():
    with pytest.raises(JobError, match="belongs to no scheduler yet"):
        await job()(double).enqueue(1)


def test_arguments_are_checked_when_called_not_when_run():
    with pytest.raises(ArgumentsError):
        job()(double).call(x=object())  # type: ignore[arg-type]
    with pytest.raises(ArgumentsError):
        job()(double).call(1, 2)  # type: ignore[call-arg]


def test_a_run_s_options_go_before_the_job_s_own():
    made = job(priority=3, queue="slow", tags=["a"], meta={"team": "x"})(double)

    place = made.placement(made.options(priority=9, timeout="1s", tags=["b"], meta={"tenant": "t"}).given)

    assert (place.priority, place.queue, place.tags) == (9, "slow", ("a", "b"))
    assert place.meta == {"team": "x", "tenant": "t"}
    assert place.terms == Terms(timeout=SECOND)


def test_a_key_is_filled_in_from_the_arguments():
    made = job(per_key=1, key="user:{x}")(double)

    place = made.placement(RunOptions(), arguments=((42,), {}))

    assert (place.key, place.lanes) == ("user:42", ("key/double#user:42",))


def test_a_key_may_be_computed_from_the_arguments():
    made = job(per_key=1, key=lambda x: f"parity:{x % 2}")(double)

    assert made.placement(RunOptions(), arguments=((3,), {})).key == "parity:1"


@pytest.mark.parametrize("when", [cron("0 9 * * mon-fri"), every("30s"), at("2026-01-01T00:00:00Z"), after("10m")])
def test_a_trigger_decorates_a_job_that_it_fires(when: When[Decorator]):
    @when
    def tidy() -> None: ...

    assert [timer.trigger for timer in tidy.timers] == [when.trigger]


def test_a_key_that_cannot_be_filled_in_refuses_the_call():
    made = job(key="{x.name}")(double)

    with pytest.raises(ArgumentsError, match="cannot be filled in"):
        made.placement(RunOptions(), arguments=((3,), {}))


@pytest.mark.parametrize("when", [cron("0 9 * * *"), every("30s"), at("2026-01-01T00:00:00Z"), after("10m")])
def test_a_trigger_that_decorates_may_be_late(when: When):
    late = when.jitter("30s").spread("5m")

    assert late.trigger == when.trigger.jitter("30s").spread("5m")
    assert When(when.trigger, {"retries": 2}).jitter("30s").wishes == {"retries": 2}


def test_lateness_is_asked_for_by_keyword_too():
    assert cron("0 9 * * *", spread="5m", retries=2).trigger == triggers.cron("0 9 * * *").spread("5m")
    assert every("30s", jitter="1s", spread="2s").trigger == triggers.every("30s").jitter("1s").spread("2s")


def test_a_trigger_that_decorates_can_be_moved_to_other_days():
    assert cron("0 9 1 * *").shift("next", weekdays()).trigger == triggers.cron("0 9 1 * *").shift("next", weekdays())


def test_an_interval_that_decorates_has_no_phase_yet_either():
    with pytest.raises(TriggerError, match="give it an anchor"):
        _ = every("1h") & cron("0 9 * * *")


def test_a_schedule_without_the_arguments_its_job_needs_is_refused():
    with pytest.raises(JobError, match="cannot be scheduled"):
        every("1h")(double)


def test_decorators_stack_and_each_adds_a_schedule():
    @every("1h", args={"x": 1})
    @cron("0 9 * * *", tz="Asia/Seoul", retries=2, args={"x": 2}, overlap="queue")
    def report(x: int) -> int:
        return x

    assert [timer.options.args for timer in report.timers] == [{"x": 2}, {"x": 1}]
    assert report.settings.retries.attempts == 2


def test_a_second_decorator_cannot_change_the_job():
    with pytest.raises(JobError, match="is defined already"):
        every("1h", retries=1, args={"x": 1})(job()(double))


def test_a_job_takes_several_triggers():
    made = job(cron("0 9 * * *"), every("1h"), args={"x": 1})(double)

    assert len(made.timers) == 2


def test_a_schedule_whose_arguments_do_not_fit_is_refused_at_definition():
    with pytest.raises(JobError, match="cannot be scheduled with args"):
        every("1h", args={"x": "many"})(double)


def test_a_trigger_with_options_is_still_a_trigger():
    assert cron("0 9 * * *", retries=3) == cron("0 9 * * *")
    assert cron("0 9 * * *").until("2030-01-01T00:00:00Z").next_at(0) is not None


def test_arguments_of_another_type_are_refused_when_called():
    with pytest.raises(ArgumentsError, match=r"double\(x: int\).*Expected `int`, got `str`"):
        job()(double).call("2")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "when",
    [
        cron("0 9 * * *", queue="mail", retries=2) - weekdays(),
        cron("0 9 * * *", queue="mail", retries=2) & weekdays(),
        cron("0 9 * * *", queue="mail") | every("1h", retries=2),
        cron("0 9 * * *", queue="mail") & cron("0 * * * *", retries=2),
        cron("0 * * * *", queue="mail") - cron("0 9 * * *", retries=2),
        triggers.cron("0 9 * * *") | cron("0 10 * * *", queue="mail", retries=2),
        (triggers.cron("0 9 * * *") | cron("0 10 * * *", queue="mail")) | every("1h", retries=2),
    ],
)
def test_triggers_put_together_keep_the_options_of_each(when: When):
    made = when(tick)

    assert (made.settings.queue, made.settings.retries.attempts) == ("mail", 2)
    assert made.timers[0].trigger == when


def test_options_that_disagree_are_refused_when_triggers_are_put_together():
    with pytest.raises(JobError, match="retries is 2 on one side and 3 on the other"):
        _ = cron("0 9 * * *", retries=2) | cron("0 10 * * *", retries=3)


def test_each_trigger_of_a_job_keeps_the_options_it_was_given():
    made = job(every("10m", overlap="queue"), every("1h"), overlap="allow")(tick)

    assert [each.options.overlap for each in made.timers] == ["queue", "allow"]


def tick() -> None: ...


def test_a_time_without_a_zone_is_read_only_in_a_zone_that_somebody_named():
    with pytest.raises(DefinitionError, match="has no time zone"):
        Scheduler().at("2030-01-01 10:00")(tick)

    Scheduler(tz="Asia/Seoul").at("2030-01-01 10:00")(tick)


def test_a_unique_key_of_long_arguments_is_short():
    scheduler = Scheduler("memory://")

    @scheduler.job(unique=True)
    def read_all(text: str) -> None: ...

    key = read_all.unique_key(None, read_all.call("x" * 100_000))

    assert key is not None
    assert key.startswith('unique/read_all#{"text":"xxx')
    assert len(key) < 300
