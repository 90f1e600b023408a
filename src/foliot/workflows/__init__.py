"""Workflows: a named, versioned graph in code or in a document, run by the engine that runs everything else.

A workflow is a job. Its run is the parent of one run for each node; a node waits for those it comes after, and decides
when it is claimed whether it is executed.
"""
