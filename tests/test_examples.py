"""The examples are programs that work, and say what they are there to say."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

SAYS = {
    "month_report": "This month: 42\n",
    "order_workflow": """\
order, version 2  takes order_id
└─ reserve                     reserve
   └─ charge                   charge, retries ['1ms']
      ├─ ask                   ask
      │  └─ ok                 approval within 3d
      │     └─ ship_or_refund  decision
      │        ├─ ship         ship, when approved and total < 500
      │        └─ refund       refund, otherwise
      └─ choose_release        decision, upon failure, also after reserve
         └─ release            release, when given(reserve)
4: succeeded, {"ship":"tea is on its way (payment 4)"}
5: succeeded, {"refund":"payment 5 was given back: odd"}
99: failed, node 'charge' failed: ValueError: the card has not so much on it
left in stock: 1
""",
    "cache_refresh": "{'north': 1, 'south': 1}\n{'tea': 7} {'tea': 7}\n",
}
"""What each prints."""


@pytest.mark.parametrize("name", SAYS)
def test_an_example_is_a_program_that_says_what_it_should(name: str, tmp_path: Path):
    program = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]

    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout) == (0, SAYS[name]), done.stderr
