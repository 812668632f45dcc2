"""The two ways to run Guardian take a post on and work it off."""

import httpx
import pytest

TOKEN = {"Authorization": "Bearer dev-author"}


@pytest.mark.parametrize("way", ["guardian_url", "guardian_rabbit_url"])
def test_a_post_comes_to_rest(way: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(way)
    with httpx.Client(base_url=url, headers=TOKEN, timeout=70.0) as client:
        case = client.post("/start", json={"content": "Good morning, the garden opens at nine."}).raise_for_status()
        found = case.json()
        while found["status"] not in ("completed", "waiting_review"):
            known = {"If-None-Match": f'"{found["version"]}"'}
            answer = client.get(case.headers["Location"], params={"wait": 20}, headers=known)
            found = answer.json() if answer.status_code == 200 else found
    assert (found["status"], found["outcome"]) == ("completed", "allowed")
