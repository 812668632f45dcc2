"""The demo page in the system's Chromium, against a running Guardian: `guardian_url` says where that is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import choices
from string import ascii_lowercase

import pytest
from playwright.sync_api import Locator, Page, expect

# A refusal is part of the journey; Chromium notes each on its console, whatever the page does with it.
REFUSAL = "Failed to load resource: the server responded with a status of 4"
KIND = "Thank you all for helping in the garden today, there is soup for everyone"
RUDE = "You are a stupid idiot and everybody here thinks you are a pathetic loser"
PATIENCE = 60_000  # milliseconds: for a machine that does much else; nothing is asserted about time

expect.set_options(timeout=PATIENCE)


@dataclass
class Demo:
    """The page as a person uses it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requested.append(request.url))

    def open(self, address: str | None = None) -> None:
        self.page.goto(address or f"{self.url}/demo")

    def act_as(self, name: str) -> None:
        self.page.get_by_role("radio", name=name, exact=True).check()

    def post(self, text: str) -> str:
        """Post a text made unique; it is returned as it was posted."""
        unique = f"{text} ({''.join(choices(ascii_lowercase, k=6))})"
        self.page.get_by_label("Your post").fill(unique)
        self.page.get_by_role("button", name="Post", exact=True).click()
        return unique

    def in_forum(self, text: str) -> Locator:
        return self.page.locator("#posts article").filter(has_text=text)

    def choose(self, text: str) -> None:
        """Open the case of that text from the list."""
        self.page.locator("#list").get_by_role("button").filter(has_text=text).click()

    def press(self, name: str) -> None:
        self.page.locator("#case").get_by_role("button", name=name, exact=True).click()

    def refused(self, name: str) -> int:
        """Press a button that the server refuses, see the server's own reason on the page, and return the status."""
        with self.page.expect_response("**/resume") as seen:
            self.press(name)
        expect(self.case.get_by_role("alert")).to_contain_text(seen.value.json()["detail"])
        return seen.value.status

    def stands(self, words: str) -> None:
        """Wait until the open case says that it stands there."""
        expect(self.page.locator("#case-chip")).to_have_text(words)

    @property
    def case(self) -> Locator:
        return self.page.locator("#case")

    def remove(self, text: str) -> None:
        """Decide, with the first reason that the page suggests, to remove the post."""
        self.choose(text)
        self.case.get_by_role("button", name="This goes against our rule").first.click()
        self.press("Remove the post")
        self.stands("Acted on")

    def appeal(self, text: str) -> None:
        self.choose(text)
        self.press("Appeal")
        self.press("I was joking with a friend.")
        self.press("Send the appeal")
        self.stands("Waits for a supervisor")

    def fits(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.fixture
def demo(page: Page, guardian_url: str) -> Iterator[Demo]:
    """The page, closed again only after a look at its console: nothing may have gone wrong there."""
    found = Demo(page, guardian_url)
    yield found
    assert [text for text in found.complaints if not text.startswith(REFUSAL)] == []
