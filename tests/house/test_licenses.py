"""Everything that Guardian stands on may be used freely, at work too."""

import re
from email.message import Message
from importlib.metadata import Distribution, distributions
from typing import cast

FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla Public|Unlicense|LGPL|Lesser General|Zlib|CC0|0BSD"
    r"|PostgreSQL|HPND|Public Domain|WTFPL|Artistic",
    re.IGNORECASE,
)
OWN = {"guardian-hitl"}


def _license(found: Distribution) -> str:
    meta = cast(Message, found.metadata)
    classifiers = [
        c.removeprefix("License :: ") for c in meta.get_all("Classifier") or [] if c.startswith("License ::")
    ]
    named = meta.get("License-Expression") or "; ".join(classifiers) or meta.get("License") or ""
    return str(named).split("\n\n")[0]


def test_every_license_is_free_for_any_use() -> None:
    refused = [
        f"{found.metadata['Name']}: {_license(found)[:80] or 'none named'}"
        for found in distributions()
        if found.metadata["Name"] not in OWN and not all(FREE.search(part) for part in _license(found).split(" AND "))
    ]
    assert not refused
