"""The machine is measured: room on its disks, a clock that was set, a time service."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.domain.gauges import Gauge, Reading
from gateway.interfaces.machine import ClockWatch, Disks, synchronised


def test_the_room_of_each_folder_is_what_the_system_says(tmp_path: Path) -> None:
    readings = list(Disks({"blobs": tmp_path, "database": tmp_path}).readings())
    assert [(each.gauge, each.of) for each in readings] == [
        (Gauge.DISK_FREE_BYTES, "blobs"),
        (Gauge.DISK_FREE_BYTES, "database"),
    ]
    free = shutil.disk_usage(tmp_path).free
    assert all(abs(each.value - free) < 2**30 for each in readings)


def test_there_is_no_room_in_a_folder_that_is_away(tmp_path: Path) -> None:
    assert list(Disks({"blobs": tmp_path / "away"}).readings()) == [
        Reading(Gauge.DISK_FREE_BYTES, 0, "blobs")
    ]


def test_a_clock_that_was_set_either_way_is_measured_by_how_far() -> None:
    ahead = [1000.0]
    watch = ClockWatch(lambda: ahead[0])
    for now, value in ((1000.0, 0), (1090.5, 90.5), (400.0, 600)):
        ahead[0] = now
        assert list(watch.readings()) == [Reading(Gauge.CLOCK_SET_SECONDS, value)]


def test_a_clock_that_nobody_sets_stays_where_it_is() -> None:
    (reading,) = ClockWatch().readings()
    assert 0 <= reading.value < 1


def test_the_kernel_tells_whether_a_time_service_steers_its_clock_or_nothing() -> None:
    assert [(each.gauge, each.value in {0, 1}) for each in synchronised()] in (
        [],
        [(Gauge.CLOCK_SYNCHRONISED, True)],
    )
