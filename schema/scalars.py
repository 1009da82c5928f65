"""Scalars of the graph with the pages that specify them. Values travel as JSON strings, checked by the parsers."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import date as calendar_date
from datetime import datetime as instant
from typing import Final, NewType

from strawberry.types.scalar import ScalarDefinition, scalar

from schema.vocabulary import REGION_OF

DateTime = NewType("DateTime", instant)
Date = NewType("Date", calendar_date)
PartialDate = NewType("PartialDate", str)
CountryCode = NewType("CountryCode", str)
LanguageTag = NewType("LanguageTag", str)
URL = NewType("URL", str)
Base64 = NewType("Base64", bytes)
CompactJws = NewType("CompactJws", str)

_PARTIAL: Final = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_URL: Final = re.compile(r"https?://[^\s]+")
_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("It is written as a string.")  # noqa: TRY004  # what a scalar's parser is to raise
    return value


def _date(value: object) -> calendar_date:
    text = _text(value)
    if not _DAY.fullmatch(text):
        raise ValueError("A day is written as 2026-11-21.")
    return calendar_date.fromisoformat(text)


def _datetime(value: object) -> instant:
    moment = instant.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("An instant names its offset, such as 2026-11-21T09:30:00Z.")
    return moment


def _country(value: object) -> str:
    code = _text(value)
    if code not in REGION_OF:
        raise ValueError("A country is written as two capital letters of ISO 3166-1, such as NO.")
    return code


def _bytes(value: object) -> bytes:
    try:
        return b64decode(_text(value), validate=True)
    except binascii.Error:
        raise ValueError("Bytes are written in base64, with padding.") from None


def _shaped(form: re.Pattern[str], says: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value)
        if not form.fullmatch(text):
            raise ValueError(says)
        return text

    return parse


SCALARS: Final[dict[object, ScalarDefinition]] = {
    DateTime: scalar(
        name="DateTime",
        description="An instant in UTC, such as 2026-11-21T09:30:00Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        parse_value=_datetime,
    ),
    Date: scalar(
        name="Date",
        description="A day, such as 2026-11-21.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        parse_value=_date,
    ),
    PartialDate: scalar(
        name="PartialDate",
        description="A day, month or year, as precisely as known: 2007, 2007-06 or 2007-06-09 (EDTF level 0).",
        specified_by_url="https://www.loc.gov/standards/datetime/",
        parse_value=_shaped(_PARTIAL, "A partial date is written as 2007, 2007-06 or 2007-06-09."),
    ),
    CountryCode: scalar(
        name="CountryCode",
        description="Two letters of ISO 3166-1, such as NO.",
        specified_by_url="https://www.iso.org/iso-3166-country-codes.html",
        parse_value=_country,
    ),
    LanguageTag: scalar(
        name="LanguageTag",
        description="A language by BCP 47, such as ckb, fa-AF or zh-Hant.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc5646",
        parse_value=_shaped(_LANGUAGE, "A language is written by BCP 47, such as fa-AF."),
    ),
    URL: scalar(
        name="URL",
        description="An absolute address of the web.",
        specified_by_url="https://url.spec.whatwg.org/",
        parse_value=_shaped(_URL, "An address begins with http:// or https://."),
    ),
    Base64: scalar(
        name="Base64",
        description="Bytes in base64, with padding.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc4648#section-4",
        parse_value=_bytes,
    ),
    CompactJws: scalar(
        name="CompactJws",
        description="A JSON Web Signature in compact form.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc7515#section-3.1",
        parse_value=_shaped(_JWS, "A signed token has three parts between dots, in base64url."),
    ),
}
