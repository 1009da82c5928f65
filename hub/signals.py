"""Ctrl-C and SIGTERM: whenever one comes, the command ends, and nothing that it started is left behind.

Python raises `KeyboardInterrupt` wherever it happens to be. That loses what is started and not yet noted down, so such
steps hold signals back; and it is itself lost where it strikes while garbage is collected, so what takes long asks
again between its steps. Where no command `heeded` them, nothing is changed for anybody.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM)
STOPPED: Final = 130
"""Exit status of a command that was told to end."""
_came: Final[list[int]] = []
_holds: Final[list[None]] = []
_loading: Final[list[None]] = []


@contextmanager
def heeded() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, and keep count of both. For the main thread; elsewhere it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _came.clear()
    before = {each: signal.getsignal(each) for each in ENDING}
    lost, sys.unraisablehook = sys.unraisablehook, _lose
    try:
        for each in ENDING:
            signal.signal(each, _come)
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        sys.unraisablehook = lost


@contextmanager
def at_once() -> Iterator[None]:
    """End there and then when a signal comes, for as long as nothing is started that would have to be ended too."""
    _loading.append(None)
    try:
        yield
    finally:
        _loading.pop()


def heed() -> None:
    """End here if a signal came and nobody noticed.

    Raises:
        KeyboardInterrupt: one came.
    """
    if _came:
        raise KeyboardInterrupt


@contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Hold signals back until the end of the block, which must be short; it is given what tells whether one came.

    Raises:
        KeyboardInterrupt: at the end, where one came meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = len(_came)
    _holds.append(None)
    try:
        yield lambda: len(_came) > before
    finally:
        _holds.pop()
        if not _holds and len(_came) > before:
            raise KeyboardInterrupt


def _lose(lost: "sys.UnraisableHookArgs") -> None:
    """Say nothing of an interrupt that Python could not raise: `heed` does."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)


def _come(number: int, _frame: FrameType | None) -> None:
    if _loading:
        os._exit(STOPPED)
    _came.append(number)
    if not _holds:
        raise KeyboardInterrupt
