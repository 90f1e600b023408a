"""Past these machines: what a verb costs a store, and a simulation of large clusters from such costs.

python -m benchmarks.scale.costs memory:// sqlite:////tmp/costs.db postgresql://...
python -m benchmarks.scale.cluster --workers 1000 --schedules 1000000
"""
