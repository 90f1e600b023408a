import contextvars
import io
import logging
import threading

import pytest

from foliot import capture
from foliot.clock import ManualClock
from foliot.context import Context, Notes
from foliot.model import Line, Run

log = logging.getLogger("tests.capture.job")


@pytest.fixture
def captured():
    capture.install()
    yield
    capture.remove()


@pytest.fixture
def logger():
    """A logger of our own, put back as it was."""
    yield log
    log.setLevel(logging.NOTSET)
    log.disabled, log.propagate = False, True
    log.filters.clear()
    log.handlers.clear()


@pytest.fixture
def console(logger):
    """What a program would show that has one handler without a level, below a root at WARNING."""
    shown = io.StringIO()
    logger.addHandler(logging.StreamHandler(shown))
    return shown


def in_a_job(function, *, level=logging.INFO):
    """Call a function as a job would run it, and give the lines kept."""
    context = Context(Run(id="r", job="j", due_at=0, created_at=0), Notes(level=level), ManualClock(7))

    def job():
        context.enter()
        function()

    contextvars.Context().run(job)
    return context.notes.drain()[0]


def texts(kept):
    return [line.text for line in kept]


def test_a_record_becomes_a_line_with_level_time_and_fields(captured, logger):
    kept = in_a_job(lambda: logger.warning("sent %s", "mail", extra={"user": 42, "level": "gold"}))

    fields = {"logger": "tests.capture.job", "user": 42, "level": "gold"}
    assert kept == (Line(at=7, level="warning", text="sent mail", fields=fields),)


def test_info_is_kept_although_nobody_configured_logging(captured, logger):
    assert texts(in_a_job(lambda: logger.info("hello"))) == ["hello"]
    assert texts(in_a_job(lambda: logging.getLogger().info("from the root"))) == ["from the root"]
    assert in_a_job(lambda: logger.debug("details")) == ()


def test_the_level_is_the_runs_own(captured, logger):
    def job():
        logger.debug("a")
        logger.error("b")

    assert texts(in_a_job(job, level=logging.DEBUG)) == ["a", "b"]
    assert texts(in_a_job(job, level=logging.ERROR)) == ["b"]


def test_the_console_shows_what_it_showed_without_us(captured, console, logger):
    def job():
        logger.info("quiet")
        logger.warning("loud")

    assert texts(in_a_job(job)) == ["quiet", "loud"]
    assert console.getvalue() == "loud\n"


def test_a_program_without_any_handler_still_sees_its_warnings(captured, logger, monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler())

    assert texts(in_a_job(lambda: logger.warning("careful"))) == ["careful"]

    assert capsys.readouterr().err == "careful\n"
    assert logging.getLogger().handlers == []


def test_a_logger_with_a_level_of_its_own_keeps_it(captured, logger):
    logger.setLevel(logging.ERROR)

    assert in_a_job(lambda: logger.warning("no")) == ()
    assert in_a_job(lambda: logging.getLogger("tests.capture.job.child").warning("no")) == ()
    assert texts(in_a_job(lambda: logger.error("yes"))) == ["yes"]


def test_what_does_not_propagate_is_kept_too(captured, logger):
    logger.propagate = False
    logger.addHandler(logging.NullHandler())

    assert texts(in_a_job(lambda: logger.info("alone"))) == ["alone"]


def test_what_is_disabled_or_filtered_is_not_kept(captured, logger):
    logger.addFilter(lambda record: "secret" not in record.msg)
    assert in_a_job(lambda: logger.info("secret")) == ()

    logging.disable(logging.INFO)
    assert in_a_job(lambda: logger.info("off")) == ()
    logging.disable(logging.NOTSET)

    logger.disabled = True
    assert in_a_job(lambda: logger.error("off")) == ()


def test_foliots_own_loggers_are_not_kept(captured):
    def job():
        logging.getLogger("foliot").error("ours")
        logging.getLogger("foliot.engine").error("ours")
        logging.getLogger("foliotine").error("yours")

    assert texts(in_a_job(job)) == ["yours"]


def test_nothing_is_kept_outside_a_job_and_logging_is_as_before(captured, console, logger):
    contextvars.Context().run(logger.info, "nobody listens")

    assert console.getvalue() == ""
    assert not contextvars.Context().run(logger.isEnabledFor, logging.INFO)


def test_an_exception_is_kept_as_text(captured, logger):
    def job():
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError:
            logger.exception("failed")
        logger.error("no exception", exc_info=True)  # noqa: LOG014 - people do write this

    failed, without = in_a_job(job)

    assert failed.fields is not None
    assert failed.fields["exception"].endswith("ZeroDivisionError: by zero\n")
    assert without.fields == {"logger": "tests.capture.job"}


def test_a_message_whose_arguments_do_not_fit_is_kept_and_fails_nobody(captured, logger):
    kept = in_a_job(lambda: logger.info("%d apples", "many"))

    assert texts(kept) == ["%d apples ('many',)"]


def test_a_record_that_cannot_be_shown_fails_nobody(captured, logger):
    class Hostile:
        def __repr__(self):
            raise RuntimeError("no")

    def job():
        logger.info("%s", Hostile())
        logger.info("next")

    assert texts(in_a_job(job)) == ["next"]


def test_a_thread_that_carries_the_jobs_context_is_heard(captured, logger):
    def job():
        for run in (lambda f: f(), contextvars.copy_context().run):
            thread = threading.Thread(target=run, args=(lambda: logger.info("from a thread"),))
            thread.start()
            thread.join()

    assert texts(in_a_job(job)) == ["from a thread"]


def test_after_the_last_removal_logging_is_untouched(logger):
    before = (logging.Logger.isEnabledFor, logging.Logger.callHandlers)

    capture.install()
    capture.install()
    capture.remove()
    assert texts(in_a_job(lambda: logger.info("still"))) == ["still"]
    capture.remove()

    assert in_a_job(lambda: logger.error("gone")) == ()
    assert (logging.Logger.isEnabledFor, logging.Logger.callHandlers) == before


def test_others_who_wrapped_the_same_methods_later_are_left_alone(logger, monkeypatch):
    capture.install()
    ours, seen = logging.Logger.callHandlers, []

    def theirs(self, record):
        seen.append(record.msg)
        ours(self, record)

    logging.Logger.callHandlers = theirs
    capture.remove()
    assert in_a_job(lambda: logger.error("asleep")) == ()
    capture.install()
    kept = in_a_job(lambda: logger.error("awake"))
    logging.Logger.callHandlers = ours
    capture.remove()

    assert texts(kept) == ["awake"]
    assert seen == ["asleep", "awake"]
