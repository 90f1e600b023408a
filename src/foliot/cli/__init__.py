"""The command line: ``foliot``. Nothing of it is imported by the library."""


def main() -> None:
    """Run the program ``foliot`` with the arguments of this process."""
    from foliot.cli.app import app

    app(prog_name="foliot")
