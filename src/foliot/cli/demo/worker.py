"""What each worker process of the demo runs: ``foliot run foliot.cli.demo.worker:scheduler``."""

from foliot import Scheduler
from foliot.cli.demo import jobs

scheduler = Scheduler()
scheduler.include(jobs)
