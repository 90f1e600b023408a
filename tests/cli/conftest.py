from tests.cli.console import console

__all__ = ["console"]
