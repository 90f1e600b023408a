"""The proof that the promises hold when everything goes wrong: ``foliot prove``.

Processes run a real scheduler with schedules that fire each second, and note all they see, while a seeded plan kills
and freezes them, sets their clocks, cuts and slows the network, loses replies, and kills the database. Then the notes
and the store are checked against every promise.

    from foliot.testing.faults.prover import Trial, prove
    from foliot.testing.faults.report import report

    proof = await prove(Trial(store="postgres", seconds=60, seed=7), print)
    assert proof.holds, report(proof, datetime.now(UTC))
"""
