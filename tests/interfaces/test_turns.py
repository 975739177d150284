"""Turns: no more threads compute at once than there are turns, nobody is passed over, and who waits stands aside."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from gateway.interfaces.turns import Turns

SECONDS = 20


class _Crowd:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    def visit(self, rounds: int) -> int:
        """Go in and out; the answer tells that work's value comes through."""
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        for _ in range(rounds):
            str(rounds).encode()
        with self._lock:
            self.inside -= 1
        return rounds


def test_never_more_threads_compute_than_there_are_turns() -> None:
    for at_once in (1, 2):
        crowd = _Crowd()
        work = Turns(at_once).taking(crowd.visit)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, [2_000] * 200)) == [2_000] * 200
        assert crowd.most <= at_once


def test_a_turn_goes_to_who_has_waited_longest() -> None:
    turns, order = Turns(), []
    came, go = [threading.Event() for _ in range(3)], threading.Event()

    def wait(number: int) -> None:
        came[number].set()
        with turns.one():
            order.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(3)]
    with turns.one():
        for number, thread in enumerate(threads):
            thread.start()
            assert came[number].wait(SECONDS)
            while turns.waiting <= number:
                go.wait(0.001)
    with turns.one():  # whoever comes now waits behind them
        assert order == [0, 1, 2]
    for thread in threads:
        thread.join(SECONDS)


def test_who_stands_aside_lets_another_in_and_takes_its_turn_again() -> None:
    turns = Turns()
    with ThreadPoolExecutor(1) as pool, turns.one():
        with turns.aside():
            assert pool.submit(turns.taking(str), 1).result(SECONDS) == "1"
        other = pool.submit(turns.taking(str), 2)
        while not turns.waiting:
            pass
        assert not other.done()
    assert other.result(SECONDS) == "2"


def test_standing_aside_without_a_turn_gives_none_away() -> None:
    turns, crowd = Turns(), _Crowd()
    with turns.aside():
        pass
    work = turns.taking(crowd.visit)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [2_000] * 50))
    assert crowd.most == 1


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns()
    for _ in range(2):
        try:
            turns.taking(int)("not a number")
        except ValueError:
            continue
        raise AssertionError("no error")
    assert turns.taking(int)("7") == 7
