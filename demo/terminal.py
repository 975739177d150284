"""How the demonstration tells its story in a terminal, step by step while it happens, and how it sums up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from demo.transcript import Broken, Step, Transcript


class Teller:
    """Tells each step as it is taken, and keeps the transcript."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.transcript = Transcript()
        self.failed: Step | None = None
        self._chapter = ""
        self._promises: dict[str, str] = {}
        self._started = time.monotonic()

    def chapter(self, name: str, title: str, promise: str) -> None:
        """Begin a chapter; `promise` says what it has shown once all its steps hold."""
        self._chapter = name
        self._promises[name] = promise
        self.console.print()
        self.console.rule(f"[bold]{escape(title)}", align="left", style="cyan")

    @contextmanager
    def step(self, name: str, sentence: str) -> Iterator[Step]:
        """Take one step; `sentence` says what happens. Any error ends the story here."""
        step = Step(self._chapter, name, sentence)
        started = time.monotonic()
        try:
            with self.console.status(escape(sentence)):
                yield step
        except Exception:
            self.failed = step
            raise
        step.seconds = time.monotonic() - started
        self.transcript.steps.append(step)
        self.console.print(f"[green]✓[/] {escape(sentence)} [dim]({step.seconds:.1f} s)[/]", highlight=False)
        for line in step.lines:
            self.console.print(f"  {escape(line)}", style="dim", highlight=False, soft_wrap=True)

    def show(self, title: str, text: str) -> None:
        """Show something whole, as the receiver sees it."""
        self.console.print(
            Panel(escape(text), title=escape(title), title_align="left", border_style="yellow")
        )

    def print_plain(self, title: str, text: str) -> None:
        """Show something that is to be copied: no frame, no line broken."""
        self.console.print()
        self.console.rule(f"[bold]{escape(title)}", align="left", style="cyan")
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def sum_up(self) -> None:
        """Say what was shown, chapter by chapter. Only for a story that went to its end."""
        table = Table(title="What this run has shown", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("Chapter")
        table.add_column("Shown")
        table.add_column("Steps", justify="right")
        table.add_column("Facts", justify="right")
        for chapter, promise in self._promises.items():
            steps = [step for step in self.transcript.steps if step.chapter == chapter]
            facts = sum(len(step.facts) for step in steps)
            table.add_row(chapter, promise, str(len(steps)), str(facts))
        self.console.print()
        self.console.print(table)
        seconds = time.monotonic() - self._started
        count = len(self.transcript.steps)
        self.console.print(f"[bold green]All {count} steps hold.[/] {seconds:.0f} seconds.", highlight=False)

    def tell_failure(self, error: BaseException, log_lines: list[str]) -> None:
        """Say which step failed and why, and what the gateway logged last."""
        where = self.failed.name if self.failed else "start"
        what = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        self.console.print(
            f"\n[bold red]✗ {escape(where)}[/] {escape(what)}", highlight=False, soft_wrap=True
        )
        if log_lines:
            self.console.print("The gateway's last log lines:", style="bold")
            for line in log_lines:
                self.console.print(f"  {escape(line)}", style="dim", highlight=False, soft_wrap=True)
