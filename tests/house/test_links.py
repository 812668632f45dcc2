"""Every link from a page to a file of the project leads somewhere."""

import re

from tests.house.sources import ROOT, kept

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def test_local_links_resolve() -> None:
    broken = []
    for page in (path for path in kept() if path.suffix == ".md"):
        prose = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)
        for match in LINK.finditer(prose):
            target = (match[1] or match[2]).split("#")[0]
            if target and not re.match(r"[a-z]+:", target) and not (ROOT / page.parent / target).exists():
                broken.append(f"{page}: {target}")
    assert not broken
