"""A disk that fails, as the kernel tells it: from a moment on, system calls of this thread get an error.

By seccomp, which needs neither rights nor a compiler; it cannot be taken back, so it is for a process of its own. What
is written to the first three descriptors goes through.
"""

from __future__ import annotations

import ctypes
import errno
import platform
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_IS_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IS_GREATER: Final = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # in struct seccomp_data


@dataclass(frozen=True)
class _Machine:
    """The numbers of a kernel's system calls."""

    architecture: int
    writing: tuple[int, ...]  # write, pwrite64, writev, pwritev, fallocate, ftruncate
    syncing: tuple[int, ...]  # fsync, fdatasync


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, (1, 18, 20, 296, 285, 77), (74, 75)),
    "aarch64": _Machine(0xC00000B7, (64, 68, 66, 70, 47, 46), (82, 83)),
}


@unique
class Fault(Enum):
    """What the disk does."""

    FULL = "full"  # it takes nothing more: ENOSPC
    UNSYNCED = "unsynced"  # it takes everything, and cannot say that it is kept: EIO


def fail(fault: Fault) -> None:
    """Let the disk fail for this thread, for ever."""
    machine = _MACHINES[platform.machine()]
    calls = machine.writing if fault is Fault.FULL else machine.syncing
    error = errno.ENOSPC if fault is Fault.FULL else errno.EIO
    _install(_program(machine.architecture, calls, error))


def _program(architecture: int, calls: tuple[int, ...], error: int) -> list[tuple[int, int, int, int]]:
    """The filter: an error for these calls on a descriptor above 2, every other call as usual."""
    count = len(calls)
    return [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IS_EQUAL, 0, count + 4, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        *((_IS_EQUAL, count - place, 0, call) for place, call in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_IS_GREATER, 1, 0, 2),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | error),
    ]


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("first", ctypes.POINTER(_Instruction)))


def _install(program: list[tuple[int, int, int, int]]) -> None:
    instructions = (_Instruction * len(program))(*(_Instruction(*each) for each in program))
    filtering = _Filter(len(program), instructions)
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filtering), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
