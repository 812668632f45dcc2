"""demo.html where it is rough: hostile posts, small and dark screens, lost answers, a server that goes away."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import KIND, REFUSAL, RUDE, Demo

HOSTILE = (
    "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
    "<svg onload=\"document.title='hit'\"></svg><a href=\"javascript:document.title='hit'\">press</a>"
    " turned \u202earound\u202c <b>bold</b>"
)


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


def test_what_nobody_should_meet_unasked_stays_veiled(demo: Demo) -> None:
    def name_it_sensitive(route: Route) -> None:
        answer = route.fetch()
        mild = answer.text()  # no test writes what this is really about: a mild case is given the name
        route.fulfill(response=answer, body=mild.replace('"policy":"harassment"', '"policy":"sexual_minors"'))

    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")
    demo.page.route(re.compile(r"/(cases|status)\b"), name_it_sensitive)
    demo.act_as("Moderator")
    expect(demo.case.get_by_role("button", name="Show the text")).to_be_visible()
    expect(demo.page.get_by_text(text)).to_have_count(0)
    demo.press("Show the text")
    expect(demo.case.locator("blockquote")).to_contain_text(text)
    demo.page.unroute_all(behavior="wait")


def test_what_the_platform_refused_is_for_a_supervisor_to_settle(demo: Demo) -> None:
    def refuse(route: Route) -> None:  # the forum of the demo refuses nothing
        answer = route.fetch()
        body = answer.json() if answer.status == 200 else {}
        for case in body.get("cases", [body]):
            if case.get("actions"):
                case.update(outcome="kept", needs_attention=True)
            for action in case.get("actions", ()):
                action.update(status="refused", needs_attention=True, error="The platform answered 409.")
        route.fulfill(response=answer, json=body) if body else route.fulfill(response=answer)

    demo.open()
    text = demo.post(RUDE)
    demo.stands("Waits for a person")
    demo.act_as("Moderator")
    demo.remove(text)
    demo.page.route(re.compile(r"/(cases|status)\b(?!.*/events)"), refuse)
    demo.act_as("Supervisor")
    demo.choose(text)
    demo.stands("Not carried out")
    expect(demo.case.get_by_text("Refused by the platform").first).to_be_visible()
    expect(demo.page.locator("#says")).to_contain_text("The platform refused what was decided")
    with demo.page.expect_response("**/settle") as seen:
        demo.case.get_by_role("button", name="Try again").first.click()
    assert seen.value.status == 409, "the server knows better"
    demo.page.unroute_all(behavior="wait")


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


def test_a_token_that_is_not_known_is_said_so(demo: Demo) -> None:
    demo.open()
    demo.page.locator("#link summary").click()
    demo.page.get_by_label("A token of your own").fill("nobody-knows-me")
    demo.page.get_by_role("button", name="Connect").click()
    demo.post(KIND)
    expect(demo.page.get_by_role("alert")).to_be_visible()
    expect(demo.page.get_by_text("No list of cases")).to_be_visible()
    assert any(text.startswith(REFUSAL) for text in demo.complaints)
