"""Looks for planted names in what was left lying about, in whatever form they may have been written down."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator

ANCHOR = 8
"""Bytes by which a form is found; shorter ones are not looked for."""
READABLE = re.compile(rb"[ -~]{%d,}" % ANCHOR)


def forms_of(name: str) -> Iterator[bytes]:
    """Give every way of writing a name down that is looked for, in small letters.

    Plain, which finds UTF-16 too, as the search overlooks zeros. In UTF-8, in both orders of UTF-16 and as JSON escapes
    it: each as hexadecimal digits, as a dump shows bytes, and in base64, both alphabets, at the three places where a
    name can begin in what was encoded around it; and that as hexadecimal digits again.
    """
    for spelt in {name, name.lower(), name.upper()}:
        yield max(READABLE.findall(spelt.encode().lower()), key=len)
        escaped = json.dumps(spelt)[1:-1]
        for written in {spelt.encode(), escaped.encode(), spelt.encode("utf-16-le"), spelt.encode("utf-16-be")}:
            yield written.hex().encode()
            for encode in (b64encode, urlsafe_b64encode):
                for before in range(3):
                    # What shares a letter with its neighbours is cut off; what is left stands there whatever they are.
                    inside = encode(bytes(before) + written)[-(-before * 4 // 3) : (before + len(written)) // 3 * 4]
                    yield inside.lower()
                    yield inside.hex().encode()


class Wanted:
    """Names to look for, all of them in one go."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names.

        Raises:
            ValueError: one has no form that is long enough to be found.
        """
        self._forms: dict[bytes, dict[bytes, str]] = defaultdict(dict)
        for name in names:
            for form in forms_of(name):
                if len(form) < ANCHOR:
                    raise ValueError(name)
                self._forms[form[:ANCHOR]][form] = name

    def found_in(self, lying: bytes) -> set[str]:
        """Give the names that lie open in it. Large and small letters are the same, in base64 too."""
        found = set[str]()
        for run in set(READABLE.findall(lying.replace(b"\0", b"").lower())):
            for at in range(len(run) - ANCHOR + 1):
                if forms := self._forms.get(run[at : at + ANCHOR]):
                    found.update(name for form, name in forms.items() if run.startswith(form, at))
        return found
