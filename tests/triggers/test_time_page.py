"""The page about time tells the truth: its blocks run, one after the other, and print what they say."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "time.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"^(?: *print\(.*\)  # | +# )(.*)$", re.MULTILINE)


def test_every_block_prints_what_it_says():
    there = {}
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert blocks
    for block in blocks:
        with redirect_stdout(StringIO()) as out:
            exec(block, there)  # noqa: S102

        assert out.getvalue().splitlines() == SAID.findall(block)
