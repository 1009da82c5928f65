"""Bringing things to partners: when to try again. It knows no referrals; `app` gives it a handler for each topic."""

from hub.delivery.backoff import Backoff, next_attempt

__all__ = ["Backoff", "next_attempt"]
