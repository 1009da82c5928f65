"""Requests that mean harm, each with the answers that are right. `python tests/web/hostile.py URL` times them."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

MODERN = {"accept": "application/graphql-response+json", "content-type": "application/json"}
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Hostile:
    """A request, the statuses it may be answered with, and the code of its first error."""

    name: str
    content: bytes | Callable[[], Iterator[bytes]]
    code: str
    statuses: frozenset[int] = frozenset({400})
    method: str = "POST"
    path: str = "/graphql"
    headers: dict[str, str] = field(default_factory=lambda: MODERN)

    def send(self, client: httpx.Client) -> httpx.Response:
        """Send it."""
        content = self.content if isinstance(self.content, bytes) else self.content()
        return client.request(self.method, self.path, content=content or None, headers=self.headers)


def document(name: str, text: str, code: str, **more: Any) -> Hostile:
    """Ask a document."""
    return Hostile(name, json.dumps({"query": text}).encode(), code, **more)


def variables(name: str, text: str, given: str, code: str, **more: Any) -> Hostile:
    """Ask with variables, given as JSON that may be none."""
    return Hostile(name, f'{{"query":{json.dumps(text)},"variables":{given}}}'.encode(), code, **more)


def many(count: int, text: str, between: str = " ") -> str:
    """Repeat a text with the number of each repetition in the place of #."""
    return between.join(text.replace("#", str(number)) for number in range(count))


def chain(count: int, text: str) -> str:
    """Repeat a text with the number of each repetition in the place of #, and of the next in that of @."""
    return " ".join(text.replace("#", str(number)).replace("@", str(number + 1)) for number in range(count))


ALL_SPREAD = many(18, "...f#").replace("#", "")
FAILED, PARSED = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"
LARGE = {"statuses": frozenset({413})}

DOCUMENTS = [
    document("nested fields", "{" + "city{" * 300 + "name" + "}" * 301, PARSED),
    document("nested fields below the parser's bound", "{" + "city{" * 60 + "name" + "}" * 61, "TOO_DEEP"),
    document("nested inline fragments", "{" + "...{" * 400 + "__typename" + "}" * 401, PARSED),
    document("nested lists", "{nodes(ids: " + "[" * 400 + "]" * 400 + ") {id}}", PARSED),
    document("nested objects", "{cities(where: " + "{a: " * 300 + "1" + "}" * 300 + ") {nodes {id}}}", PARSED),
    document("fragment bomb", "{...f0}" + chain(45, "fragment f# on Query {...f@ ...f@}"), "TOO_MANY_REPEATS"),
    document(
        "fragment bomb with fields",
        "{...f0}" + chain(40, "fragment f# on Query {a {...f@} b {...f@}}"),
        "TOO_DEEP",
    ),
    document(
        "fragments that all spread all",
        "{...f0}" + many(18, "fragment f# on Query {" + ALL_SPREAD + "}"),
        "TOO_MANY_REPEATS",
    ),
    document("fragment cycle", "{...a} fragment a on Query {...b} fragment b on Query {...a}", FAILED),
    document("fragment cycle through fields", "{city {...a}} fragment a on City {city {...a}}", "TOO_DEEP"),
    document("spread of what is not there", "{" + "...x " * 300 + "}", FAILED),
    document(
        "spreads of many fragments",
        "{" + many(48, "...f#") + "}" + many(48, "fragment f# on Query {__typename}"),
        "TOO_MANY_REPEATS",
    ),
    document("aliases", "{" + many(300, "a#: __typename") + "}", "TOO_MANY_ALIASES"),
    document("aliases of pages", "{" + many(40, "a#: cities {totalCount}") + "}", "TOO_MANY_ALIASES"),
    document("one field many times", "{" + "__typename " * 900 + "}", "TOO_MANY_REPEATS"),
    document("one object many times", "{" + "city {name} " * 240 + "}", "TOO_MANY_REPEATS"),
    document("one name, many meanings", "{" + many(80, 'a: city(slug: "#") {name}') + "}", "TOO_MANY_ALIASES"),
    document("inline fragments side by side", "{" + "...{__typename} " * 200 + "}", "TOO_MANY_REPEATS"),
    document("directives that are not there", "{__typename " + "@a" * 490 + "}", FAILED),
    document("one directive many times", "{__typename " + "@skip(if: true) " * 140 + "}", FAILED),
    document("many operations", many(190, "query q# {__typename}"), "TOO_MANY_DEFINITIONS"),
    document("many nameless operations", "{__typename} " * 49, FAILED),
    document("many variables", "query(" + many(240, "$v#: Int") + ") {__typename}", FAILED),
    document("many variables of no type", "query(" + many(240, "$v#: T#") + ") {__typename}", FAILED),
    document("many arguments", "{city(" + many(320, "a#: 1") + ") {name}}", FAILED),
    document("many values", "{nodes(ids: [" + '"a" ' * 980 + "]) {id}}", "TOO_MANY_IDS"),
    document("many keys", "{cities(where: {" + many(320, "a#: 1") + "}) {nodes {id}}}", FAILED),
    document("objects in a list", "{cities(orderBy: [" + "{field: NAME} " * 190 + "]) {nodes {id}}}", FAILED),
    document("many tokens", "{" + "a " * 100_000 + "}", "DOCUMENT_TOO_LONG"),
    document("many tokens in few characters", "{" + "a " * 14_000 + "}", PARSED),
    document("a long text", '{city(slug: "' + "a" * 200_000 + '") {name}}', "DOCUMENT_TOO_LONG"),
    document("a long number", "{cities(first: " + "9" * 29_000 + ") {nodes {id}}}", FAILED),
    document("a long comment", "#" + "a" * 200_000 + "\n{__typename}", "DOCUMENT_TOO_LONG"),
    document("many lines", "\r" * 29_000 + "{a b c d e f}", "DOCUMENT_TOO_LONG"),
    document("half a character", '{city(slug: "\ud800") {name}}', "BAD_REQUEST"),
    document("a null character", '{city(slug: "\\u0000") {name}}', "BAD_REQUEST"),
    document("a null character, spelt otherwise", '{city(slug: "\\u{0}") {name}}', "BAD_USER_INPUT"),
    document("a null character as a default", 'query($v: ID = "\\u{0}") {node(id: $v) {id}}', "BAD_USER_INPUT"),
    document("a misspelt field", '{city(slug: "a") {nam countri slugg}}', FAILED),
    document("a misspelt argument", '{city(slugg: "a") {name}}', FAILED),
    document("a misspelt type", "query($a: Cit) {__typename}", FAILED),
    document("nothing", "", PARSED),
    document("types", many(40, "type T# {a: Int}"), FAILED),
    document("a mutation of nothing", "mutation {__typename}", "ONE_CHANGE"),
    document("a subscription", "subscription {__typename}", FAILED),
    document("the schema many times", "{" + many(20, "a#: __schema {types {name}}") + "}", "TOO_MUCH_INTROSPECTION"),
    document("the printed schema many times", "{" + many(20, "a#: _service {sdl}") + "}", "TOO_MUCH_INTROSPECTION"),
    document(
        "circular introspection",
        "{__schema {types {fields {type {fields {type {fields {type {fields {type {name}}}}}}}}}}}",
        FAILED,
    ),
    document("too many records", "{cities(first: 1000000) {nodes {id}}}", "BAD_PAGE"),
    document(
        "pages within pages",
        "{cities(first: 100) {nodes {residents(first: 100) {nodes {name}}}}}",
        "TOO_COSTLY",
    ),
]

IDS = "query($v: [ID!]!) {nodes(ids: $v) {id}}"
WHERE = "query($v: CityWhere) {cities(where: $v, first: 1) {nodes {id}}}"
ORDER = "query($v: CityOrder) {cities(orderBy: $v, first: 1) {nodes {id}}}"
FIRST = "query($v: Int) {cities(first: $v) {nodes {id}}}"
SLUG = "query($v: String!) {city(slug: $v) {name}}"
AFTER = "query($v: String) {cities(first: 1, after: $v) {nodes {id}}}"

VARIABLES = [
    variables("a list of very many ids", IDS, '{"v":[' + '"a",' * 60_000 + '"a"]}', "TOO_MANY_VALUES"),
    variables("a list of very many wrong values", IDS, '{"v":[' + "{}," * 60_000 + "{}]}", "TOO_MANY_VALUES"),
    variables("an object of very many keys", WHERE, '{"v":{' + many(15_000, '"a#":1', ",") + "}}", "TOO_MANY_VALUES"),
    variables("very many variables", SLUG, '{"v":"a",' + many(15_000, '"a#":1', ",") + "}", ""),
    variables("an array for an order", ORDER, '{"v":[' + "{}," * 60_000 + "{}]}", "TOO_MANY_VALUES"),
    variables("a nested value", WHERE, '{"v":' + '{"a":' * 400 + "1" + "}" * 400 + "}", "BAD_USER_INPUT"),
    variables("a deeply nested value", SLUG, '{"v":' + "[" * 100_000 + "]" * 100_000 + "}", "BAD_REQUEST"),
    variables("brackets without end", SLUG, "[" * 200_000, "BAD_REQUEST"),
    variables("a long number", FIRST, '{"v":' + "9" * 4_000 + "}", "BAD_USER_INPUT"),
    variables("a very long number", FIRST, '{"v":' + "9" * 200_000 + "}", "BAD_REQUEST"),
    variables("a number without bound", FIRST, '{"v":1e999}', "BAD_REQUEST"),
    variables("a fraction", FIRST, '{"v":1.5}', "BAD_USER_INPUT"),
    variables("no number", FIRST, '{"v":NaN}', "BAD_REQUEST"),
    variables("infinity", FIRST, '{"v":-Infinity}', "BAD_REQUEST"),
    variables("a number below zero", FIRST, '{"v":-1}', "BAD_PAGE"),
    variables("a truth for a number", FIRST, '{"v":true}', "BAD_USER_INPUT"),
    variables("a number for a text", SLUG, '{"v":1}', "BAD_USER_INPUT"),
    variables("an object for a text", SLUG, '{"v":{"a":1}}', "BAD_USER_INPUT"),
    variables("null for what must be", SLUG, '{"v":null}', "BAD_USER_INPUT"),
    *(
        variables(f"null where a default stands for what must be, {what}", text, '{"v":null}', "BAD_USER_INPUT")
        for what, text in {
            "in introspection": 'query($v: String = "a") {__type(name: $v) {name}}',
            "in a list of types": "query($v: Boolean = true) {__schema {types @include(if: $v) {name}}}",
            "in a directive": "query($v: Boolean = true) {cities {nodes {id @skip(if: $v)}}}",
            "in ids": 'query($v: [ID!] = ["a"]) {nodes(ids: $v) {id}}',
        }.items()
    ),
    variables("nothing for what must be", SLUG, "{}", "BAD_USER_INPUT"),
    variables("a null character", SLUG, '{"v":"a\\u0000b"}', "BAD_REQUEST"),
    variables("half a character", SLUG, '{"v":"\\ud800"}', "BAD_REQUEST"),
    variables("a long text", SLUG, '{"v":"' + "a" * 250_000 + '"}', ""),
    variables("a long text to look for", WHERE, '{"v":{"name":{"contains":"' + "%_" * 50_000 + '"}}}', ""),
    variables("a cursor that is none", AFTER, '{"v":"AAAA"}', "BAD_CURSOR"),
    variables("a cursor with a null character", AFTER, '{"v":"AAAAAAAAAAAAAAAAAAAAAA=="}', "BAD_CURSOR"),
    variables("a cursor that is long", AFTER, '{"v":"' + "QUFB" * 60_000 + '"}', "BAD_CURSOR"),
    variables("a cursor in strange letters", AFTER, '{"v":"\\u00e9\\ud83d\\ude00"}', "BAD_CURSOR"),
    variables("quotes and comments of SQL", SLUG, '{"v":"\'; drop table city; --"}', ""),
]

BODIES = [
    Hostile("no body", b"", "BAD_REQUEST"),
    Hostile("no JSON", b'{"query"', "BAD_REQUEST"),
    Hostile("null", b"null", "BAD_REQUEST"),
    Hostile("a text", b'"{__typename}"', "BAD_REQUEST"),
    Hostile("a batch", b'[{"query":"{__typename}"}]', "BAD_REQUEST"),
    Hostile("a batch of thousands", b"[" + b'{"query":"{__typename}"},' * 9_000 + b"{}]", "BAD_REQUEST"),
    Hostile("a query that is no text", b'{"query":{"a":1}}', "BAD_REQUEST"),
    Hostile("no query", b'{"variables":{}}', "BAD_REQUEST"),
    Hostile("extensions that are no object", b'{"query":"{__typename}","extensions":[]}', "BAD_REQUEST"),
    Hostile("invalid UTF-8", b'{"query":"{__typename}\xff\xfe"}', "BAD_REQUEST"),
    Hostile("UTF-16", '{"query":"{__typename}"}'.encode("utf-16"), "BAD_REQUEST"),
    Hostile("null characters", b"\0" * 1_000, "BAD_REQUEST"),
    Hostile("white space", b" " * 250_000, "BAD_REQUEST"),
    Hostile("three megabytes, declared", b" " * 3 * MEGABYTE, "BODY_TOO_LARGE", **LARGE),
    Hostile("three megabytes, in chunks", lambda: (b" " * 50_000 for _ in range(60)), "BODY_TOO_LARGE", **LARGE),
    Hostile("a persisted query", b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}', "BAD_REQUEST"),
]

PLAIN = b'{"query":"{__typename}"}'
FORMS = {
    "a form": ("application/x-www-form-urlencoded", b"query=%7B__typename%7D"),
    "a form of files": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="query"\r\n'),
    "plain text": ("text/plain", PLAIN),
    "the old type of GraphQL": ("application/graphql", b"{__typename}"),
    "JSON in another alphabet": ("application/json; charset=utf-16", PLAIN),
    "a type almost JSON": ("application/jsonp", PLAIN),
    "no type": ("", PLAIN),
}
FRONT = [
    *(
        Hostile(name, body, "BAD_REQUEST", frozenset({415}), headers={"content-type": kind})
        for name, (kind, body) in FORMS.items()
    ),
    *(
        Hostile(f"method {method}", PLAIN, "BAD_REQUEST", frozenset({405}), method=method)
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "QUERY")
    ),
    Hostile("a query by GET", b"", "BAD_REQUEST", frozenset({405}), "GET", "/graphql?query={__typename}", {}),
    Hostile("a mutation by GET", b"", "BAD_REQUEST", frozenset({405}), "GET", "/graphql?query=mutation{a}", {}),
    Hostile(
        "a page of another site by GET",
        *(b"", "BAD_REQUEST", frozenset({405}), "GET", "/graphql?query={__typename}"),
        {"sec-fetch-mode": "cors", "sec-fetch-site": "cross-site", "origin": "https://elsewhere.example"},
    ),
    Hostile(
        "an image of another site by GET",
        *(b"", "BAD_REQUEST", frozenset({405}), "GET", "/graphql?query={__typename}"),
        {"sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site"},
    ),
    Hostile(
        "a mutation by GET with the header",
        *(b"", "CHANGE_BY_GET", frozenset({405}), "GET", "/graphql?query=mutation{__typename}"),
        MODERN | {"graphql-require-preflight": "1"},
    ),
    *(
        Hostile(
            f"GET with {query[:30]}",
            *(b"", "BAD_REQUEST", frozenset({400}), "GET", f"/graphql?{query}", {"graphql-require-preflight": "1"}),
        )
        for query in (
            "",
            "query",
            "query=a&query=b",
            "query=%ff",
            "query={a}%00",
            "query={a}&variables=[",
            "query={a}&variables=1",
            "query={a}&variables=" + "[" * 9_000,
            "&".join("a=1" for _ in range(2_000)),
        )
    ),
    Hostile("an answer as HTML", PLAIN, "BAD_REQUEST", frozenset({406}), headers=MODERN | {"accept": "text/html"}),
    Hostile("an answer as nothing", PLAIN, "BAD_REQUEST", frozenset({406}), headers=MODERN | {"accept": "*/*;q=0"}),
]

ALL = DOCUMENTS + VARIABLES + BODIES + FRONT


def main(url: str, rounds: int = 7) -> None:
    """Write how long each takes, the slowest first: the first time, and the median of some."""
    times = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for hostile in ALL:
            hostile.send(client)
            spent = []
            for _ in range(rounds):
                began = time.perf_counter()
                answer = hostile.send(client)
                spent.append((time.perf_counter() - began) * 1000)
            times.append((statistics.median(spent), max(spent), answer.status_code, hostile.name))
    for median, most, status, name in sorted(times, reverse=True):
        sys.stdout.write(f"{median:8.1f} ms {most:8.1f} ms  {status}  {name}\n")


if __name__ == "__main__":
    main(sys.argv[1])
