"""demo.html as people use it: the whole journey, hostile posts, small and dark screens, a lost answer."""

from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import REFUSAL, Demo

PAGE = Path(__file__).parents[2] / "demo.html"
KIND = "Thank you all for helping in the garden today, there is soup for everyone"
RUDE = "You are a stupid idiot and everybody here thinks you are a pathetic loser"
HOSTILE = (
    "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
    "<svg onload=\"document.title='hit'\"></svg><a href=\"javascript:document.title='hit'\">press</a>"
    " turned \u202earound\u202c <b>bold</b>"
)


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


def test_what_people_write_is_never_run(demo: Demo) -> None:
    demo.open()
    title = demo.page.title()
    text = demo.post(HOSTILE)
    expect(demo.page.locator("#posts article").filter(has_text="onerror").first).to_contain_text("<b>bold</b>")
    expect(demo.page.locator("#posts .ctrl").filter(has_text="RLO").first).to_be_visible()
    demo.act_as("Moderator")
    demo.page.get_by_role("button", name="All", exact=True).click()
    expect(demo.page.locator("#list")).to_contain_text("onerror")
    expect(demo.case.locator("blockquote")).to_contain_text(text.split("\u202e", maxsplit=1)[0])
    assert demo.page.locator("main img, main svg, main script, main a").count() == 0
    assert demo.page.title() == title
    assert [url for url in demo.requested if not url.startswith((demo.url, "data:"))] == []


def test_it_works_from_disk(demo: Demo) -> None:
    demo.open(f"{PAGE.as_uri()}?api={quote(demo.url, safe='')}")
    text = demo.post(KIND)
    demo.stands("Allowed")
    demo.act_as("Moderator")
    expect(demo.in_forum(text)).to_be_visible()


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_never_scrolls_sideways(demo: Demo, width: int) -> None:
    demo.page.set_viewport_size({"width": width, "height": 740})
    demo.open()
    demo.post(RUDE + " " + "a" * 300)
    assert demo.fits()
    tabs = demo.page.get_by_role("navigation", name="Part of the page").get_by_role("button")
    tabs.filter(has_text="The case").click()
    demo.stands("Waits for a person")
    assert demo.fits()
    demo.act_as("Moderator")
    tabs.filter(has_text="Cases").click()
    demo.page.locator("#list").get_by_role("button").first.click()
    expect(demo.case.get_by_role("button", name="Remove the post", exact=True)).to_be_visible()
    assert demo.fits()


def test_dark_mode_is_dark(demo: Demo) -> None:
    demo.page.emulate_media(color_scheme="dark")
    demo.open()
    demo.post(KIND)
    demo.stands("Allowed")
    luminance = """element => getComputedStyle(document.querySelector(element[0]))[element[1]]
        .match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)"""
    assert demo.page.evaluate(luminance, ["body", "backgroundColor"]) < 150
    assert demo.page.evaluate(luminance, ["#case .card", "backgroundColor"]) < 200
    assert demo.page.evaluate(luminance, ["body", "color"]) > 500


def test_a_lost_answer_is_asked_for_again_with_the_same_key(demo: Demo) -> None:
    keys: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        answer = route.fetch()
        route.abort("connectionreset") if len(keys) == 1 else route.fulfill(response=answer)

    demo.open()
    demo.page.route("**/start", lose_the_first)
    text = demo.post(KIND)
    expect(demo.page.get_by_role("alert")).to_contain_text("nothing will be done twice")
    demo.page.get_by_role("button", name="Post", exact=True).click()
    demo.stands("Allowed")
    expect(demo.in_forum(text)).to_have_count(1)
    assert keys[0]
    assert keys == [keys[0], keys[0]]
    demo.complaints[:] = [text for text in demo.complaints if "net::ERR_CONNECTION_RESET" not in text]


def test_it_goes_on_by_itself_when_the_server_is_back(demo: Demo) -> None:
    demo.open()
    expect(demo.page.get_by_label("Your post")).to_be_visible()
    banner = demo.page.get_by_text("cannot be reached")
    demo.page.context.set_offline(True)
    expect(banner).to_be_visible()
    demo.page.context.set_offline(False)
    expect(banner).to_have_count(0)
    demo.post(KIND)
    demo.stands("Allowed")
    demo.complaints[:] = [text for text in demo.complaints if "net::ERR_INTERNET_DISCONNECTED" not in text]


def test_a_case_that_waits_is_asked_after_with_its_version(demo: Demo) -> None:
    demo.open()
    demo.post(RUDE)
    demo.stands("Waits for a person")
    with demo.page.expect_response(lambda answer: "/status/" in answer.url and answer.status == 304) as seen:
        pass
    assert seen.value.request.headers["if-none-match"].startswith('"')


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


def test_a_token_that_is_not_known_is_said_so(demo: Demo) -> None:
    demo.open()
    demo.page.locator("#link summary").click()
    demo.page.get_by_label("A token of your own").fill("nobody-knows-me")
    demo.page.get_by_role("button", name="Connect").click()
    demo.post(KIND)
    expect(demo.page.get_by_role("alert")).to_be_visible()
    expect(demo.page.get_by_text("No list of cases")).to_be_visible()
    assert any(text.startswith(REFUSAL) for text in demo.complaints)
