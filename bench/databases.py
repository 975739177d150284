"""SQLite beside PostgreSQL: one process and two, what a letter costs the gateway and what it costs the database server.

Two cores bear everything here, the clients too: two processes show that they work together, not what more cores give.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.installation import Keys, letter_message, open_bench, pki_of
from bench.letter import letter_subject
from bench.measure import effort, interleaved, ratio
from bench.report import Part, table
from bench.server import Server, send_in_turn, serving_together, settled
from tests import postgres

_SQLITE: Final = "sqlite:///bropost.db"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def side_by_side(folder: Path) -> Part:
    """The whole server on each database, and SendLetter in process."""
    if postgres.programs() is None:
        return Part("SQLite and PostgreSQL", (), "Not measured: this machine has no PostgreSQL.")
    server = postgres.server()
    rows = [_row("SQLite", _measure(folder / "sqlite", _SQLITE, 1))]
    with server.durable():
        for processes in (1, 2):
            address = server.create(f"bench_{processes}")
            rows.append(_row("PostgreSQL", _measure(folder / f"postgresql-{processes}", address, processes)))
        in_process = _in_process(folder, server.create("bench_letter"))
    note = (
        "RSA-2048; the database server runs on the same two cores, durable as the file is. With PostgreSQL a request "
        f"in process costs the gateway {in_process:.2f} times what it costs with SQLite; what the database server "
        "does comes beside it."
    )
    heading = [
        "database",
        "gateway processes",
        "request, ms CPU",
        "delivery, ms CPU",
        "database server, ms CPU",
    ]
    return Part(
        "SQLite and PostgreSQL",
        (),
        f"{note}\n\n{table([*heading, 'p50, ms', 'p99, ms', 'letters a second'], rows)}",
    )


@dataclass(frozen=True)
class _Measured:
    """CPU seconds a letter, medians of the rounds; waits in seconds."""

    processes: int
    requests: float
    worker: float
    database: float
    p50: float
    p99: float
    per_second: float


def _row(name: str, measured: _Measured) -> list[str]:
    costs = (measured.requests, measured.worker, measured.database)
    return [
        name,
        str(measured.processes),
        *(f"{seconds * 1e3:.2f}" for seconds in costs),
        f"{measured.p50 * 1e3:.0f}",
        f"{measured.p99 * 1e3:.0f}",
        f"{measured.per_second:.0f}",
    ]


def _measure(folder: Path, address: str, processes: int) -> _Measured:
    key = pki_of(Keys.RSA_2048).signing_key("eksempelby-esdh")
    count = effort(320, 16)
    requests, worker, database, times, speed = [], [], [], [], []
    with serving_together(folder, Keys.RSA_2048, address, processes) as servers:
        send_in_turn(servers, [letter_message(key) for _ in range(effort(160, 16))])
        _all_settled(servers)
        for _ in range(effort(5, 1)):
            messages = [letter_message(key) for _ in range(count)]
            before, at_database, start = _cpu(servers), _database_cpu(address), time.perf_counter()
            times += send_in_turn(servers, messages)
            speed.append(count / (time.perf_counter() - start))
            requests.append((_cpu(servers)[0] - before[0]) / count)
            _all_settled(servers)
            worker.append((_cpu(servers)[1] - before[1]) / count)
            database.append((_database_cpu(address) - at_database) / count)
    ordered = sorted(times)
    return _Measured(
        processes,
        statistics.median(requests),
        statistics.median(worker),
        statistics.median(database),
        statistics.median(ordered),
        ordered[int(len(ordered) * 0.99)],
        statistics.median(speed),
    )


def _all_settled(servers: list[Server]) -> None:
    for server in servers:
        settled(server)


def _cpu(servers: list[Server]) -> tuple[float, float]:
    """CPU seconds so far of all processes: for requests, and of the workers."""
    each = [server.cpu() for server in servers]
    return sum(one[0] for one in each), sum(one[1] for one in each)


def _database_cpu(address: str) -> float:
    """CPU seconds so far of the database server and its processes; 0 for a file."""
    if address == _SQLITE:
        return 0.0
    main = postgres.server().process.pid
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8").rpartition(")")[2].split()  # from the state on: proc(5)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(path.parent.name) == main:
            ticks += sum(map(int, fields[11:15]))  # its own, and of those that have ended
        elif int(fields[1]) == main:
            ticks += sum(map(int, fields[11:13]))
    return ticks / _TICKS


def _in_process(folder: Path, address: str) -> float:
    """How many times the gateway's cost with SQLite that with PostgreSQL is."""
    benches = {
        "SQLite": open_bench(folder / "in-process-sqlite", Keys.RSA_2048),
        "PostgreSQL": open_bench(folder / "in-process-postgresql", Keys.RSA_2048, address=address),
    }
    subjects = {name: letter_subject(bench) for name, bench in benches.items()}
    found = ratio(interleaved(subjects, rounds=effort(15, 2), calls=effort(25, 2)), "PostgreSQL", "SQLite")
    for bench in benches.values():
        bench.installation.database.close()
    return found
