"""What the papers show is run: every Python block of these pages is a program that works."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAPERS = [
    "README.md",
    "README.zh.md",
    "docs/index.md",
    "docs/fan-out.md",
    "docs/workflows.md",
    "docs/observability.md",
    "docs/reference/triggers.md",
    "docs/testing.md",
    "docs/operations.md",
    "docs/tutorial.md",
]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return [
        (f"{paper}:{n}", block)
        for paper in PAPERS
        if (ROOT / paper).exists()
        for n, block in enumerate(BLOCK.findall((ROOT / paper).read_text("utf-8")), start=1)
    ]


def test_the_tour_in_chinese_stops_where_the_english_one_does():
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))

    def imports(text: str) -> list[list[str]]:
        return [re.findall(r"^(?:from|import) .*", block, re.MULTILINE) for block in BLOCK.findall(text)]

    assert imports(chinese) == imports(english)


@pytest.mark.parametrize(("name", "block"), blocks(), ids=[name for name, _ in blocks()])
def test_a_block_of_the_papers_is_a_program_that_works(name: str, block: str, tmp_path: Path):
    script = tmp_path / "tour.py"
    script.write_text(block, "utf-8")

    program = subprocess.Popen(
        [sys.executable, "-W", "error", "tour.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if "scheduler.run()" in block:
        assert program.stdout is not None
        assert program.stdout.readline()  # it has fired
        program.send_signal(signal.SIGTERM)
    output, _ = program.communicate(timeout=60)

    assert program.returncode == 0, output
