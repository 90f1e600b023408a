"""Runs that spawn runs and wait for them. There is no engine beside the engine: a run that waits is put down."""
