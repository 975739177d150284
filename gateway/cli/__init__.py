"""The command line: what operators and auditors do. Each command is a thin layer over one workflow."""

from __future__ import annotations

from gateway.cli.main import main

__all__ = ["main"]
