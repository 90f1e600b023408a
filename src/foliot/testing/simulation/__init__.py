"""Simulation: whole clusters with the real engine in one deterministic event loop, days of them in a minute.

    python -m foliot.testing.simulation --seeds 1000
    python -m foliot.testing.simulation --nodes 100 --time 2d --seeds 1
    python -m foliot.testing.simulation --seed 17

Each seed decides a cluster, its work and its bad luck. Nodes crash, freeze past their leases, leave and come back;
their clocks are wrong; the store is far away, its replies get lost, and it goes down. Every promise is checked.
"""

from foliot.testing.simulation.plan import Load, Plan, Weather, planned
from foliot.testing.simulation.world import Report, simulate

__all__ = ["Load", "Plan", "Report", "Weather", "planned", "simulate"]
