"""Ctrl-C and SIGTERM, sent to this very process."""

import signal
import sys
from contextlib import suppress

import pytest

from hub.signals import ENDING, heed, heeded, held_back


@pytest.fixture(params=ENDING)
def told(request):
    return lambda: signal.raise_signal(request.param)


def test_a_signal_is_heeded_and_who_had_it_before_has_it_again(told):
    before = [signal.getsignal(each) for each in ENDING], sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), heeded():
        told()
    assert ([signal.getsignal(each) for each in ENDING], sys.unraisablehook) == before


def test_a_step_is_done_before_the_signal_that_struck_it(told):
    done = []

    def step():
        with heeded(), held_back() as came:
            with held_back():
                told()
            done.append(came())

    with pytest.raises(KeyboardInterrupt):
        step()
    assert done == [True]


def test_a_signal_that_got_lost_is_noticed_at_the_next_look(told, capsys):
    class Leaving:
        def __del__(self):
            told()

    with heeded():
        heed()
        with suppress(KeyboardInterrupt):
            Leaving()
        with pytest.raises(KeyboardInterrupt):
            heed()
    assert capsys.readouterr().err == ""
    with heeded():
        heed()
