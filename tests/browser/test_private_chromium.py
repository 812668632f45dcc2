"""The browser that tests get."""

from playwright.sync_api import Page, expect


def test_the_system_chromium_runs_pages(page: Page) -> None:
    page.set_content("<button onclick=\"this.textContent = 'Done ✓'\">Do it</button>")
    page.get_by_role("button").click()
    expect(page.get_by_role("button")).to_have_text("Done ✓")
