"""The command line: parse, call, print."""

from msenas.cli.app import main

__all__ = ["main"]
