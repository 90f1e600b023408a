"""An environment for each peer, so that nobody's dependencies meet. ``peers/`` pins what is in them."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent / ".bench"


def interpreter(peer: str | None) -> Path:
    """The Python to run a peer's programs with, in an environment that is made when it is first wanted."""
    if peer is None:
        return Path(sys.executable)
    home = CACHE / platform.python_version() / peer
    pins = _pins(peer)
    stamp = home / "pins.txt"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        _make(home, pins)
        stamp.write_text(pins.read_text())
    return _python_in(home)


def disk() -> Path:
    """Where databases are put while they are measured: beside the code, since /tmp may be no disk at all."""
    files = CACHE / "files"
    files.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    return files


def version(peer: str) -> str:
    """What is measured under this name, as its pins say."""
    for line in _pins(peer).read_text().splitlines():
        name, _, pinned = line.partition("==")
        if peer.startswith(name):
            return f"{name} {pinned}"
    raise LookupError(f"{_pins(peer)} does not pin {peer}")


def _pins(peer: str) -> Path:
    return HERE / "peers" / f"{peer}.txt"


def _make(home: Path, pins: Path) -> None:
    print(f"making an environment for {pins.stem}", file=sys.stderr)
    uv = _uv()
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, home], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", _python_in(home), "-r", pins], check=True)


def _uv() -> str:
    """The uv on the path, or the one that ``make setup`` has put beside the packages."""
    found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.prefix) / "uv" / "bin"))
    if found is None:
        raise SystemExit("uv is needed to make the peers' environments; run `make setup`, or install it")
    return found


def _python_in(home: Path) -> Path:
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
