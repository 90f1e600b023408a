"""Foliot beside its peers: ``python -m benchmarks [part ...] [--quick]``. A program for people, not a test.

Every measurement is one program of ``programs/`` in a process and an environment of its own, which answers
with one line of JSON. Ours and the peers' take turns, so that a noisy machine is unfair to all alike, and the
middle of three rounds counts: compare within a table, not between two days.

A part is a module with ``contests(quick)``; ``__main__.PARTS`` names them all.
"""
