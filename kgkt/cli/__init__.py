"""The command line: parse, call, print; the only place that exits."""

from kgkt.cli.app import main

__all__ = ["main"]
