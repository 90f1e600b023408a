"""Foliot: one scheduler for Python, from a decorator to a cluster."""
