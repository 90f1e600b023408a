"""The command line: ``foliot``. Nothing of it is imported by the library."""

import sys


def main() -> None:
    """Run the program ``foliot`` with the arguments of this process."""
    from foliot.cli.errors import kind_output, refuse_bytes

    with kind_output():
        refuse_bytes(sys.argv)
        from foliot.cli.app import app

        app(prog_name="foliot")
