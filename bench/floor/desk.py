"""Four POSTs and four GETs of a case, answered from memory: what the web framework and the server cost alone.

`uvicorn bench.floor.desk:app`. Bodies are read and validated, answers are as long as ours; nothing is kept.
"""

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

CASE = orjson.dumps({"case_id": "0" * 36, "status": "completed", "version": 7, "more": "x" * 1500})
ACKNOWLEDGED = orjson.dumps({"case_id": "0" * 36, "status": "received", "version": 1})
app = FastAPI()


class Asked(BaseModel):
    """About what the three POSTs carry."""

    case_id: str
    review_id: str | None = None
    decision: str | None = None
    content: str | None = None
    reason: str | None = None
    actions: list[dict[str, Any]] | None = None


@app.post("/{verb}")
async def post(verb: str, asked: Asked, request: Request) -> Response:
    """Acknowledge."""
    known = bool(verb and asked.case_id and request.headers.get("authorization"))
    return Response(ACKNOWLEDGED, 202 if known else 422, media_type="application/json")


@app.get("/status/{case_id}")
async def status(case_id: str) -> Response:
    """A whole case."""
    return Response(CASE, headers={"ETag": f'"{case_id[:1]}"'}, media_type="application/json")
