"""The job of the runs that carry out plans. What plans are is loaded when the first of them is carried out."""

from __future__ import annotations

from typing import Any

from foliot.context import Context
from foliot.jobs import Job
from foliot.options import JobOptions

FLOW = "foliot.flow"
"""The job of a run that carries out a plan."""


def flow_job() -> Job[..., Any, Any]:
    """The job that carries out plans, for one scheduler to include."""
    return Job(_flow, JobOptions(name=FLOW))


async def _flow(context: Context, plan: Any) -> Any:
    from foliot.flow.plans import read, result

    return await result(context, read(plan))


FLOW_JOB = flow_job()
"""The job by which plans are called; it belongs to no scheduler."""
