"""Trying mutants: tests are loaded once, and each mutant gets a process of its own, forked from there."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

import coverage
import pytest
from _pytest.runner import runtestprotocol

from gateway.crypto.certificates import verdicts
from gateway.services.knowledge import load_knowledge
from tests import installation, messages, pki
from tests.attacks.guards import listed as listed_guards
from tests.mutants.living import Cache, Module, NotImportable, caches, dependents, forget_properties, users
from tests.mutants.operators import Mutant, mutants

Work = TypeVar("Work")
_DEAR: Final = (  # what they remember takes long to make anew
    "gateway.crypto.development_pki",
    "gateway.xmlcore.",
    "tests.installation",
    "tests.messages",
    "tests.pki",
)
MOST_TESTS: Final = (
    400,
    200,
    200,
    100,
    100,
)  # for one mutant: of its file, attacks, where it strikes, by name, any
CPU_LEAST, CPU_FACTOR = 10, 20  # seconds that one test may take, and how many times what it takes by itself
WALL_SECONDS: Final = 120  # for a test that waits for ever
MEMORY: Final = 6 * 2**30


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "a test failed"
    HANGED = "a test did not end"
    SURVIVED = "no test failed"


@dataclass(frozen=True)
class Outcome:
    """A mutant and what became of it."""

    file: str
    mutant: Mutant
    fate: Fate
    by: str  # the test that noticed, or how many did not
    seconds: float


@dataclass
class Baseline:
    """What the tests do with the product as it is."""

    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # of CPU, by test
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)  # file -> line -> tests
    breadth: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # how many lines a test runs


class Laboratory:
    """The pytest plugin that tries mutants instead of running the tests."""

    def __init__(
        self,
        files: Sequence[str],
        jobs: int,
        wanted: Callable[[str], bool],
        tell: Callable[[Outcome], None],
    ) -> None:
        """`wanted` says by its id whether a mutant is to be tried, `tell` hears what became of it."""
        self.files, self.jobs, self.wanted, self.tell = files, jobs, wanted, tell
        self.outcomes: list[Outcome] = []
        self.baseline = Baseline()
        self.items: dict[str, pytest.Item] = {}
        self.modules: dict[str, Module] = {}
        self.caches: list[Cache] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what needs a database server: it runs the same code as without."""
        items[:] = [item for item in items if "postgresql" not in item.nodeid]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every wanted mutant, and keep what became of it."""
        if session.testsfailed:
            raise session.Failed("a test file cannot be read")
        self.items = {item.nodeid: item for item in session.items}
        with _warmed_up():
            self._try_all()
        return True

    def _try_all(self) -> None:
        self.modules = {file: Module(file) for file in self.files}
        self.caches = caches("gateway.")
        self._observe()
        if not self.baseline.failed:
            work = [
                (file, mutant)
                for file, module in self.modules.items()
                for mutant in mutants(module.tree, file)
                if self.wanted(mutant.id)
            ]
            for (file, mutant), (status, by, seconds) in _in_processes(self._trial, work, self.jobs):
                outcome = Outcome(file, mutant, _fate(status, by), by, seconds)
                self.outcomes.append(outcome)
                self.tell(outcome)

    # --- the product as it is -----------------------------------------------------------------------

    def _observe(self) -> None:
        """Run the tests once, and note which lines each runs."""
        by_file: dict[Path, list[str]] = defaultdict(list)
        for name, item in self.items.items():
            by_file[item.path].append(name)
        shares = [
            [name for group in list(by_file.values())[n :: self.jobs] for name in group]
            for n in range(self.jobs)
        ]
        for _, (status, told, _) in _in_processes(self._watch, shares, self.jobs):
            if status:
                raise RuntimeError(f"the tests ended with {status}: {told}")
            seen: dict[str, Any] = json.loads(told)
            self.baseline.failed += seen["failed"]
            self.baseline.seconds |= seen["seconds"]
            for file, lines in seen["lines"].items():
                for line, names in lines.items():
                    self.baseline.lines.setdefault(file, {}).setdefault(int(line), set()).update(names)
        for lines in self.baseline.lines.values():
            for names in lines.values():
                for name in names:
                    self.baseline.breadth[name] += 1

    def _watch(self, names: Sequence[str]) -> tuple[int, str]:
        paths = {file: str(module.path) for file, module in self.modules.items()}
        watcher = coverage.Coverage(data_file=None, config_file=False, include=list(paths.values()))
        # That tests look at nothing is a finding, not an error.
        watcher.set_option("run:disable_warnings", ["no-data-collected"])
        failed, seconds = [], {}
        remembering = [each for each in caches("gateway.", "tests.") if not each.__module__.startswith(_DEAR)]
        watcher.start()
        for name, following in self._in_order(names):
            verdicts.clear()  # each test runs by itself all the lines that it needs
            for each in remembering:
                each.cache_clear()
            watcher.switch_context(name)
            before = time.process_time()
            if not _passes(self.items[name], following):
                failed.append(name)
            seconds[name] = time.process_time() - before
        watcher.stop()
        data = watcher.get_data()
        lines = {file: _contexts(data.contexts_by_lineno(path)) for file, path in paths.items()}
        return 0, json.dumps({"failed": failed, "seconds": seconds, "lines": lines})

    # --- one mutant ---------------------------------------------------------------------------------

    def tests_for(self, file: str, mutant: Mutant) -> list[str]:
        """The tests that could notice a mutant, since they run its lines.

        First those of its file, the attacks that it must refuse if it is a guard, those in which it strikes, and
        those that know it by name.
        """
        names, struck = self._running(file, mutant.lines), self._running(file, mutant.beyond)
        constants = dependents(mutant, self.modules[file].tree)
        for other, module in self.modules.items() if constants else ():
            lines, beyond = users(constants, module.tree)
            names |= self._running(other, lines)
            struck |= self._running(other, beyond)
        if constants:
            names |= {name for name, item in self.items.items() if _imports(item, constants)}
        if not mutant.lines and not names:
            names = self._running(file, self.baseline.lines.get(file, ()))
        sorts = (
            {name for name in names if name.startswith(_own_tests(file))},
            {name for name in names if is_attack_on(file, mutant.name, name)},
            struck & names,
            {name for name in names if _imports(self.items[name], {mutant.name.partition(".")[0]})},
            names,
        )
        bounded = (self._in_turns(sort)[:most] for sort, most in zip(sorts, MOST_TESTS, strict=True))
        return list(dict.fromkeys(name for some in bounded for name in some))

    def _running(self, file: str, lines: Iterable[int]) -> set[str]:
        at = self.baseline.lines.get(file, {})
        return set().union(*(at.get(line, ()) for line in lines))

    def _in_turns(self, names: Iterable[str]) -> list[str]:
        """One case of each test, then another of each; those that run little first, which look most closely."""
        turns: Counter[str] = Counter()
        ranked: list[tuple[int, int, str]] = []
        for name in sorted(names, key=lambda name: (self.baseline.breadth[name], name)):
            test = name.partition("[")[0]
            ranked.append((turns[test], self.baseline.breadth[name], name))
            turns[test] += 1
        return [name for _, _, name in sorted(ranked)]

    def _trial(self, work: tuple[str, Mutant]) -> tuple[int, str]:
        file, mutant = work
        names = self.tests_for(file, mutant)
        try:
            self.modules[file].put_in(mutant)
        except NotImportable as error:
            return 1, f"the import: {error}"
        self.modules[file].forget(self.caches)
        for tried, (name, following) in enumerate(self._in_order(names), start=1):
            _limit(self.baseline.seconds[name])
            if not _passes(self.items[name], following):
                return 1, f"{name}, test {tried} of {len(names)}"
        return 0, f"{len(names)} tests"

    def _in_order(self, names: Sequence[str]) -> Iterator[tuple[str, pytest.Item | None]]:
        for place, name in enumerate(names):
            yield name, self.items[names[place + 1]] if place + 1 < len(names) else None


def _own_tests(file: str) -> str:
    room, _, name = file.rpartition("/")
    return f"tests/{room}/test_{name.removesuffix('.py')}"


def is_attack_on(file: str, function: str, test: str) -> bool:
    """Whether a test, by its id, is one of the attacks that tests/attacks/guards.toml lists for this function."""
    guard = listed_guards().get(f"{file.removesuffix('.py').replace('/', '.')}:{function}")
    attacks = (each.split(": ", 1) for each in guard.refused) if guard else ()
    return any(
        test.startswith(f"tests/attacks/test_door_{sort}.py::") and test.endswith(f"[{case}]")
        for sort, case in attacks
    )


def _imports(item: pytest.Item, names: set[str]) -> bool:
    module = getattr(item, "module", None)
    return module is not None and not names.isdisjoint(vars(module))


def _contexts(by_line: Mapping[int, Iterable[str]]) -> dict[int, list[str]]:
    return {line: [name for name in names if name] for line, names in by_line.items()}


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    reports = runtestprotocol(item, nextitem=following, log=False)
    return not any(report.failed for report in reports)


def _fate(status: int, told: str) -> Fate:
    if status in (-signal.SIGPROF, -signal.SIGALRM):
        return Fate.HANGED
    if status > 1:
        raise RuntimeError(told)
    return Fate.KILLED if status else Fate.SURVIVED  # by a failing test, or by a signal


def _limit(seconds: float) -> None:
    """End this process if the next test takes too long: by the signal, so that code in C ends as well."""
    for each in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(each, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, CPU_LEAST + CPU_FACTOR * seconds)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)


@contextmanager
def _warmed_up() -> Generator[None]:
    """Do once what every process would do anew; nothing of it may be remembered by the code that is changed."""
    for name in (*installation.SYSTEMS, *installation.SEALS.values(), "gateway-message", "gateway-seal"):
        messages.signing_key(name)
        pki.signing_key(name)
        pki.private_key(name)
    for name in ("root", "issuing", "impostor"):
        pki.development_pki().holders[name].issuer()
    load_knowledge(
        municipalities=(installation.CODES / "municipalities.toml").read_bytes(),
        institutions=(installation.CODES / "institutions.toml").read_bytes(),
        replacement_numbers_allowed=True,
    )
    with tempfile.TemporaryDirectory(prefix="bropost-mutants-") as folder:
        template = Path(folder)

        def make(kind: str) -> tuple[int, str]:
            installation.copy_installation(installation._template(kind), template)
            return 0, ""

        for _, (status, told, _) in _in_processes(make, ["sqlite"], 1):
            assert status == 0, told
        installation._template = lambda _kind: template  # type: ignore[assignment]
        forget_properties()
        yield


# --- processes ------------------------------------------------------------------------------------------


def _in_processes(
    do: Callable[[Work], tuple[int, str]], work: Sequence[Work], jobs: int
) -> Iterator[tuple[Work, tuple[int, str, float]]]:
    """What `do` gives of each piece of work, each in a process of its own: status, text and seconds."""
    running: dict[int, tuple[Work, Path, float]] = {}
    waiting = list(reversed(work))
    while waiting or running:
        while waiting and len(running) < jobs:
            piece, folder = waiting.pop(), Path(tempfile.mkdtemp(prefix="bropost-mutant-"))
            running[_fork(do, piece, folder)] = piece, folder, time.monotonic()
        process, status = os.wait()
        piece, folder, began = running.pop(process)
        told = folder / "told"
        text = told.read_text("utf-8") if told.exists() else ""
        shutil.rmtree(folder, ignore_errors=True)
        yield piece, (os.waitstatus_to_exitcode(status), text, time.monotonic() - began)


def _fork(do: Callable[[Work], tuple[int, str]], piece: Work, folder: Path) -> int:
    process = os.fork()
    if process:
        return process
    status, text = 3, ""
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(silence, each)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
        tempfile.tempdir = str(folder)
        status, text = do(piece)
    except BaseException:
        text = traceback.format_exc()
    try:
        (folder / "told").write_text(text, "utf-8")
    finally:
        os._exit(status)  # what the parent registered to be done at its end is the parent's to do
