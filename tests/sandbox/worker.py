"""The partner's hands: fetches, takes the next steps, and brings what is written down until it has arrived.

All of it comes from the books, so that a partner that was killed goes on where it was.
"""

import asyncio
import logging
import os
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from connectors.errors import ConnectorError, Invalid, Refused, Unsupported
from tests.sandbox.sandbox_partner import Partner, waited
from tests.sandbox.trouble import GOING

TICK_SECONDS = 0.03
AT_ONCE = 8


class Worker:
    """Runs until it is told to stop."""

    def __init__(self, partner: Partner) -> None:
        self.partner = partner
        self.ledger = partner.ledger
        self._task: asyncio.Task[None] | None = None
        self._late: list[tuple[float, Any]] = []
        self._rests: dict[str, float] = {}

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._died)

    @staticmethod
    def _died(task: asyncio.Task[None]) -> None:
        """A partner without hands is no partner: it ends, and is seen to."""
        if not task.cancelled() and task.exception() is not None:
            logging.getLogger("sandbox").error("the worker died", exc_info=task.exception())
            os._exit(70)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.gather(*(self._fetch(row) for row in self._told_of()))
            await asyncio.gather(*(self._step(row) for row in self._due()))
            await asyncio.gather(*(self._receipt(row) for row in self._receipts()))
            await asyncio.gather(*(self._certificate(row) for row in self._certificates()))
            await asyncio.gather(*(self._bring(row) for row in self._waiting()))
            await self._again()
            await asyncio.sleep(TICK_SECONDS)

    def _told_of(self) -> list[Any]:
        return self.ledger.all(
            "select * from handoff where fetch_at <= ? and wanted > version limit ?", time.time(), AT_ONCE
        )

    async def _fetch(self, row: Any) -> None:
        with suppress(ConnectorError):
            await self.partner.fetch(UUID(row["id"]), later=True)

    def _due(self) -> list[Any]:
        return self.ledger.all(
            "select * from handoff where next_at <= ? and next is not null order by next_at limit ?",
            time.time(),
            AT_ONCE,
        )

    def _receipts(self) -> list[Any]:
        return self.ledger.all(
            "select * from handoff where receipt_due <= ? and packet is not null limit ?", time.time(), AT_ONCE
        )

    def _certificates(self) -> list[Any]:
        rows = self.ledger.all("select * from handoff where certificate_due > 0")
        return [row for row in rows if self._rests.get(row["id"], 0) <= time.time()][:AT_ONCE]

    def _waiting(self) -> list[Any]:
        """Give of each handoff the first message that has not arrived: they are brought in their order."""
        return self.ledger.all(
            "select * from message as m where side = 'ours' and done_at is null and try_at <= ? and number ="
            " (select min(number) from message where handoff = m.handoff and side = 'ours' and done_at is null)"
            " order by try_at limit ?",
            time.time(),
            AT_ONCE,
        )

    async def _step(self, row: Any) -> None:
        match row["next"]:
            case "send" | "submit":
                await self._send(row)
            case _:
                self.partner.work_on(row)

    async def _send(self, row: Any) -> None:
        hub = self.partner.hub
        try:
            if row["next"] == "submit":
                receipt = await hub.submit(row["packet"])
            else:
                receipt = await hub.send(row["packet"])
        except ConnectorError as error:
            over = isinstance(error, Refused | Invalid | Unsupported)
            with self.ledger.writing():
                self.ledger.note("send_failed", row["id"], code=error.code, reason=error.reason)
                again = None if over else time.time() + waited(row["tries"] + 1, error)
                self.ledger.run("update handoff set tries = tries + 1, next_at = ? where id = ?", again, row["id"])
            return
        with self.ledger.writing():
            self.ledger.note("sent", row["id"], receipt=receipt is not None)
            self.ledger.run("update handoff set next = null, next_at = null where id = ?", row["id"])
            if receipt is not None:
                self.ledger.note("receipt_in", row["id"], digest=receipt.message.digest)
                self.ledger.run("update handoff set state = 'received' where id = ? and state = 'sent'", row["id"])

    async def _receipt(self, row: Any) -> None:
        """Bring a receipt that was not given at once."""
        try:
            await self.partner.hub.bring(self.partner.receipt(UUID(row["id"]), self.partner.me))
        except ConnectorError as error:
            again = None if isinstance(error, Refused | Invalid) else time.time() + waited(row["tries"] + 1, error)
            self.ledger.run("update handoff set tries = tries + 1, receipt_due = ? where id = ?", again, row["id"])
            self.ledger.note("receipt_failed", row["id"], code=error.code)
            return
        with self.ledger.writing():
            self.ledger.run("update handoff set receipt_due = null, tries = 0 where id = ?", row["id"])
            self.ledger.note("receipt_brought", row["id"])

    async def _certificate(self, row: Any) -> None:
        try:
            token = self.partner.certificate(row["id"], row["certificate_due"], self.partner.me)
            await self.partner.hub.bring(token)
        except ConnectorError as error:
            self._rests[row["id"]] = time.time() + waited(3, error)
            if isinstance(error, Refused | Invalid):
                self.ledger.run("update handoff set certificate_due = 0 where id = ?", row["id"])
            return
        with self.ledger.writing():
            self.ledger.run("update handoff set certificate_due = 0 where id = ?", row["id"])
            self.ledger.note("certificate_brought", row["id"])

    async def _bring(self, row: Any) -> None:
        trouble = self.partner.trouble
        bad = trouble.drawn(GOING)
        if bad == "forged_answer":
            with suppress(ConnectorError):
                await self._told(row, self.partner.signed(row, self.partner.forger))
                self.ledger.note("forged_taken", row["handoff"], number=row["number"])
        try:
            await self._told(row, self.partner.signed(row))
            if bad == "duplicate":
                await self._told(row, self.partner.signed(row))
                self.ledger.note("duplicated", row["handoff"], number=row["number"])
        except ConnectorError as error:
            with self.ledger.writing():
                over = isinstance(error, Refused | Invalid)
                self.ledger.note(
                    "bring_failed", row["handoff"], number=row["number"], code=error.code, reason=error.reason
                )
                self.ledger.run(
                    "update message set tries = tries + 1, try_at = ?, done_at = ?"
                    " where handoff = ? and side = 'ours' and number = ?",
                    time.time() + waited(row["tries"] + 1, error),
                    time.time() if over else None,
                    row["handoff"],
                    row["number"],
                )
            return
        if bad == "late":
            self._late.append((time.time() + trouble.seconds, row))
        with self.ledger.writing():
            self.ledger.run(
                "update message set done_at = ? where handoff = ? and side = 'ours' and number = ?",
                time.time(),
                row["handoff"],
                row["number"],
            )
            self.ledger.note("brought", row["handoff"], number=row["number"], what=row["kind"])

    async def _told(self, row: Any, token: str) -> None:
        if row["kind"] == "answer":
            await self.partner.hub.tell(token)
            return
        certificate = await self.partner.hub.withdraw(token)
        if certificate is not None:
            self.ledger.note("certificate_in", row["handoff"], answer=certificate.message.answer)

    async def _again(self) -> None:
        """Bring late copies of what arrived long ago."""
        due = [row for at, row in self._late if at <= time.time()]
        self._late = [(at, row) for at, row in self._late if at > time.time()]
        for row in due:
            with suppress(ConnectorError):
                await self._told(row, self.partner.signed(row))
                self.ledger.note("came_late", row["handoff"], number=row["number"])
