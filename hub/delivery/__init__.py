"""Bringing things to partners: outbox, leases, attempts. It knows no referrals; `app` gives it a handler a topic."""

from hub.delivery.backoff import Backoff, next_attempt
from hub.delivery.outbox import HandoffOutbox
from hub.delivery.queue import Running
from hub.delivery.worker import Patience, Worker

__all__ = ["Backoff", "HandoffOutbox", "Patience", "Running", "Worker", "next_attempt"]
