"""More than the workers can do: new posts are refused for a while, and nothing else is; what was taken on is done."""

from pathlib import Path

import psutil

from tests.journeys.client import KIND, RUDE, Cast
from tests.journeys.guardian import Program, await_ready
from tests.workers.crew import Crew

LIMIT = 40
GROWTH = 64 * 2**20  # bytes; a desk that kept what it refuses would grow without end


def desk(folder: Path, url: str, port: int) -> Program:
    where = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    own = {"HITL_DATABASE_URL": url, "HITL_BACKLOG_LIMIT": str(LIMIT)}
    return Program(folder, ["uvicorn", "api.main:app", *where], own)


def test_only_new_posts_are_refused_and_all_that_was_taken_on_is_done(
    database_url: str, tmp_path: Path, port: int
) -> None:
    crew = Crew(database_url, tmp_path, HITL_ANALYZER="local")
    front = desk(tmp_path, database_url, port)
    first = crew.hired()
    url = f"http://127.0.0.1:{port}"
    await_ready(url, front, first)
    cast = Cast(url)
    try:
        _overload(cast, crew, front, first)
    finally:
        cast.close()
        front.stop(well=(0, -15))
        crew.close()


def _overload(cast: Cast, crew: Crew, front: Program, first: Program) -> None:
    waiting, removed = cast.author.start(RUDE), cast.author.start(RUDE + "!")
    cast.moderator.await_status(waiting, "waiting_review")
    cast.moderator.await_status(removed, "waiting_review")
    cast.moderator.decide(removed, "approve", reason="An insult.")
    cast.moderator.await_status(removed, "completed")
    first.stop()

    answers = [cast.author.post("/start", {"content": f"{KIND} {n}"}) for n in range(LIMIT)]
    memory = psutil.Process(front.process.pid).memory_info().rss
    taken = [answer.json()["case_id"] for answer in answers if answer.status_code == 202]
    crew.await_(lambda: _try(cast, taken) == 503, front)
    refused = [cast.author.post("/start", {"content": KIND * 100}) for _ in range(300)]

    codes = {answer.status_code for answer in refused}
    assert 503 in codes
    assert codes <= {202, 503}
    taken += [answer.json()["case_id"] for answer in refused if answer.status_code == 202]
    assert all(int(a.headers["Retry-After"]) > 0 for a in refused if a.status_code == 503)
    assert psutil.Process(front.process.pid).memory_info().rss - memory < GROWTH
    assert cast.moderator.decide(waiting, "approve", reason="An insult.").status_code == 202
    assert cast.author.rollback(removed).status_code == 202

    crew.hired()
    assert {cast.author.await_status(case, "completed", "waiting_review")["status"] for case in taken} == {"completed"}
    assert cast.moderator.await_status(waiting, "completed")["outcome"] == "actioned"
    cast.moderator.await_status(removed, "waiting_review")
    crew.await_(lambda: _try(cast, taken) == 202, front)


def _try(cast: Cast, taken: list[str]) -> int:
    answer = cast.author.post("/start", {"content": f"{KIND} {len(taken)}"})
    if answer.status_code == 202:
        taken.append(answer.json()["case_id"])
    return answer.status_code
