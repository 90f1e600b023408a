"""What each worker process of the demo runs: ``foliot run foliot.cli.demo.worker:scheduler``."""

from foliot.cli.demo import jobs
from foliot.scheduler import Scheduler

scheduler = Scheduler()
scheduler.include(jobs)
