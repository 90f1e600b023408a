"""Workflows as pictures."""

from foliot.model import Attempt, Outcome, Run, State
from foliot.moments import DAY, HOUR, MINUTE, SECOND
from foliot.workflows.building import Workflow, workflow
from foliot.workflows.pictures import bars, gantt, mermaid, tree


def work() -> None: ...


def is_large(context: dict[str, int]) -> bool:
    return context["total"] > 100


def order() -> Workflow:
    inner = workflow("pack")
    inner.node(work)
    made = workflow("order", version=2, inputs={"total": int})
    reserve = made.node(work, "reserve", retries=3)
    charge = made.node(work, "charge", after=reserve, on_failure="skip")
    ok = made.approval("ok", after=charge, timeout="3d")
    ship = made.node(work, "ship", after=ok, when="total < 1000")
    packed = made.node(inner, after=ok, when=is_large)
    refund = made.node(work, "refund", after=ok, otherwise=True)
    paid = made.signal("paid", after=[reserve, ship])
    made.timer("wait", "1d", after=[packed, refund])
    made.callback("tell", 'https://shop.example/"#1"', after=paid, upon="failure")
    return made


def test_a_tree_draws_each_node_once_and_says_what_when_and_after_what():
    assert (
        "\n".join(tree(order().graph))
        == """\
order, version 2  takes total
└─ reserve                          work, retries 3
   └─ charge                        work, its failure is skipped
      └─ ok                         approval within 3d
         └─ ship_or_pack_or_refund  decision
            ├─ ship                 work, when total < 1000
            │  └─ paid              signal, also after reserve
            │     └─ tell           callback https://shop.example/"#1", upon failure, retries 5, timeout 30s
            ├─ pack                 workflow pack, when is_large
            └─ refund               work, otherwise
               └─ wait              timer 1d, also after pack"""
    )


def test_a_flowchart_has_a_shape_for_each_kind_and_escapes_what_it_is_told():
    chart = mermaid(order().graph)

    assert chart.startswith('flowchart TD\n    n0["reserve<br/>work"]\n')
    assert '{"ship_or_pack_or_refund<br/>decision"}' in chart
    assert '[/"ok<br/>approval within 3d"/]' in chart
    assert '[["pack<br/>workflow pack"]]' in chart
    assert '(["wait<br/>timer 1d"])' in chart
    assert '>"tell<br/>callback https://shop.example/#quot;#35;1#quot;"]' in chart
    assert '-->|"when total #lt; 1000"|' in chart
    assert '-.->|"failure"|' in chart


def run(name: str, state: State, *spans: tuple[int, int | None], finished: int | None = None) -> Run:
    *past, last = spans or [(0, None)]
    attempts = tuple(
        Attempt(token=n, worker="w", started_at=since, ended_at=until, outcome=Outcome.SNOOZED)
        for n, (since, until) in enumerate(past)
    )
    return Run(
        id=name,
        job=f"order@2/{name}",
        due_at=0,
        created_at=0,
        state=state,
        attempts=attempts,
        started_at=last[0] if spans else None,
        finished_at=finished,
    )


def test_the_states_of_a_run_are_drawn_in():
    runs = {"reserve": run("reserve", State.SUCCEEDED, (0, 1), finished=1), "charge": run("charge", State.FAILED)}

    lines, chart = tree(order().graph, runs, 5), mermaid(order().graph, runs, 5)

    assert lines[1].split("  ")[-2:] == ["succeeded    ", "work, retries 3"] or "succeeded" in lines[1]
    assert "not there yet" in lines[3]
    assert 'n0["reserve<br/>work<br/>succeeded"]' in chart
    assert "style n1 fill:#fcc" in chart


def test_bars_lie_where_runs_lay_in_time_and_show_when_they_only_waited():
    runs = [
        run("late", State.RUNNING, (3 * HOUR, None)),
        run("wait", State.SUCCEEDED, (0, SECOND), (2 * HOUR, None), finished=2 * HOUR + SECOND),
        run("never", State.SKIPPED, finished=4 * HOUR),
    ]

    chart = gantt(bars(runs, 4 * HOUR, {"late": "late one"}), width=8)

    assert chart == [
        "order@2/wait   succeeded  █···█     2h",
        "late one       running          ██  1h",
        "order@2/never  skipped           ·  0s",
        "                          0     4h",
    ]


def test_lengths_in_a_chart_are_short():
    ends = (3 * DAY + HOUR, 90 * MINUTE, 90 * SECOND + 1, 1_234_567, 999)
    runs = [run(str(n), State.SUCCEEDED, (0, None), finished=end) for n, end in enumerate(ends)]

    chart = gantt(bars(runs, 0), width=4)

    assert [line.split()[-1] for line in chart[:-1]] == ["999us", "1s234ms", "1m30s", "1h30m", "3d1h"]


def test_nothing_is_drawn_of_nothing():
    assert gantt([]) == ["There is nothing to draw yet."]
