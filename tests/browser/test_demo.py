"""demo.html as people use it: the journey from a post to its second review, by mouse and by keyboard."""

from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import expect

from tests.browser.conftest import KIND, RUDE, Demo

PAGE = Path(__file__).parents[2] / "demo.html"


def test_a_harmless_post_is_allowed(demo: Demo) -> None:
    demo.open()
    text = demo.post(KIND)
    demo.stands("Allowed")
    expect(demo.in_forum(text)).to_be_visible()


def test_the_whole_journey(demo: Demo) -> None:
    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")

    demo.act_as("Moderator")
    demo.choose(text)
    expect(demo.case.locator("mark").first).to_be_visible()
    demo.press("Remove the post")
    expect(demo.case.get_by_text("Please give a reason")).to_be_visible()
    demo.remove(text)
    expect(demo.in_forum(text)).to_have_count(0)

    demo.act_as("Author")
    expect(demo.page.get_by_text("Your post was removed.").first).to_be_visible()
    demo.appeal(text)
    expect(demo.in_forum(text)).to_be_visible()
    expect(demo.case.get_by_text("Restore the post", exact=True)).to_be_visible()
    expect(demo.case.get_by_text("Undone").first).to_be_visible()

    demo.act_as("Moderator")
    demo.choose(text)
    assert demo.refused("Keep the post") == 403
    expect(demo.case.get_by_role("button", name="Keep the post")).to_be_enabled()

    demo.act_as("Supervisor")
    demo.choose(text)
    demo.press("Keep the post")
    demo.stands("Kept")
    expect(demo.in_forum(text)).to_be_visible()
    expect(demo.case.locator("ol")).to_contain_text("You decided to keep the post")


def test_whoever_decided_first_is_told_why_not_again(demo: Demo) -> None:
    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")
    demo.act_as("Supervisor")
    demo.remove(text)
    demo.act_as("Author")
    demo.appeal(text)
    demo.act_as("Supervisor")
    demo.choose(text)
    assert demo.refused("Keep the post") == 403
    demo.press("Go on as the 2nd supervisor")
    demo.press("Keep the post")
    demo.stands("Kept")


def test_a_supervisor_orders_everything_reversed(demo: Demo) -> None:
    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")
    demo.act_as("Moderator")
    demo.remove(text)
    expect(demo.in_forum(text)).to_have_count(0)
    demo.act_as("Supervisor")
    demo.page.get_by_role("button", name="All", exact=True).click()
    demo.choose(text)
    demo.press("Order a reversal")
    demo.press("The decision does not fit our rules.")
    demo.press("Order the reversal")
    demo.stands("Waits for a supervisor")
    expect(demo.in_forum(text)).to_be_visible()


def test_a_moderator_chooses_other_actions(demo: Demo) -> None:
    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")
    demo.act_as("2nd moderator")
    demo.choose(text)
    demo.case.get_by_label("Remove the post").uncheck()
    expect(demo.case.get_by_role("button", name="Remove the post", exact=True)).to_have_count(0)
    demo.case.get_by_label("Add an action").select_option("label_content")
    demo.case.get_by_label("The label", exact=True).fill("heated")
    demo.case.get_by_role("button", name="This goes against our rule").first.click()
    demo.press("Carry out these actions")
    demo.stands("Acted on")
    expect(demo.in_forum(text)).to_contain_text("heated")


def test_nobody_reads_the_machine_words(demo: Demo) -> None:
    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")
    demo.act_as("Moderator")
    demo.choose(text)
    expect(demo.case.get_by_role("button", name="Keep the post", exact=True)).to_be_visible()
    seen = demo.page.locator("body").inner_text().lower()
    assert not [word for word in ("approve", "reject", "waiting_review", "remove_content") if word in seen]


def test_it_works_from_disk(demo: Demo) -> None:
    demo.open(f"{PAGE.as_uri()}?api={quote(demo.url, safe='')}")
    text = demo.post(KIND)
    demo.stands("Allowed")
    demo.act_as("Moderator")
    expect(demo.in_forum(text)).to_be_visible()


def test_the_samples_arrive_one_after_another(demo: Demo) -> None:
    demo.open()
    demo.page.get_by_role("button", name="Load 40 sample posts").click()
    expect(demo.page.get_by_text("of 40 sample posts sent")).to_be_visible()
    expect(demo.page.get_by_role("button", name="Load 40 sample posts")).to_be_visible()
    demo.act_as("Moderator")
    expect(demo.page.locator("#posts")).to_contain_text("My sourdough failed again.")
    expect(demo.page.locator("#list")).to_contain_text("absolute idiot")


def test_the_keyboard_is_enough(demo: Demo) -> None:
    demo.open()
    demo.page.get_by_role("radio", name="Author", exact=True).focus()
    demo.page.keyboard.press("ArrowRight")
    demo.page.keyboard.press("ArrowRight")
    expect(demo.page.get_by_role("radio", name="Moderator", exact=True)).to_be_checked()
    expect(demo.page.get_by_role("button", name="Waiting")).to_be_visible()
