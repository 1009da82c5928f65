"""Handing a person over: which steps a referral may take. Sending is `delivery`'s, consent is `consent`'s."""

from hub.referrals.states import (
    ACCESS_OPEN,
    FETCHABLE,
    FINAL,
    TRANSITIONS,
    Actor,
    Guard,
    IllegalTransition,
    Transition,
    WrongActor,
    possible,
    step,
)

__all__ = [
    "ACCESS_OPEN",
    "FETCHABLE",
    "FINAL",
    "TRANSITIONS",
    "Actor",
    "Guard",
    "IllegalTransition",
    "Transition",
    "WrongActor",
    "possible",
    "step",
]
