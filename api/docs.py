"""GET /docs, drawn by a Swagger UI that comes with the package fastapi-offline, and /problems/{slug}."""

import inspect
from html import escape
from importlib import resources

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from api.errors import CODES, Problem, title
from hitl import errors

router = APIRouter(include_in_schema=False)
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon.png": "image/png"}
DOCS_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Guardian: the API</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon.png"></head><body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>"""
START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true, persistAuthorization: true,
  validatorUrl: null, defaultModelsExpandDepth: 0, tryItOutEnabled: true});"""
PROBLEM = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>:root{{color-scheme:light dark}}
body{{font:17px/1.6 system-ui;max-width:38rem;margin:12vh auto;padding:0 1rem}}</style></head>
<body><h1>{title}</h1><p>{text}</p><p>HTTP {code}. The answer's <code>detail</code> says more about your case.</p>
</body></html>"""
# Problems that only HTTP knows.
OTHERS = {
    "malformed": (400, "The body is missing, not UTF-8 or not JSON."),
    "unauthorized": (401, "There was no bearer token, or none that is known here."),
    "method-not-allowed": (405, "This address does not take that method."),
    "too-large": (413, "The body is larger than this takes."),
    "unsupported-media-type": (415, "Bodies are JSON: send Content-Type: application/json."),
    "too-many-waiting": (429, "Too many streams and held requests are open; come back after Retry-After seconds."),
    "bug": (500, "A mistake of Guardian's own. The log of this server has more under the answer's error_id."),
    "not-ready": (503, "Something that is needed to take posts on and work them off is missing."),
}


@router.get("/docs")
async def get_docs() -> Response:
    """The API, to read and to try."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": DOCS_CSP})


@router.get("/docs/start.js")
async def get_start() -> Response:
    """What draws the page."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/{name}")
def get_asset(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in ASSETS:
        raise Problem(404, "not-found", "There is no such file.")
    found = (resources.files("fastapi_offline") / "static" / name).read_bytes()
    return Response(found, headers={"Cache-Control": "max-age=86400"}, media_type=ASSETS[name])


@router.get("/problems/{slug}")
async def get_problem(slug: str) -> Response:
    """What a problem's type means, for people."""
    code, text = _meaning(slug)
    page = PROBLEM.format(title=escape(title(slug)), text=escape(text), code=code)
    return HTMLResponse(page, headers={"Content-Security-Policy": PAGE_CSP})


def _meaning(slug: str) -> tuple[int, str]:
    if slug in OTHERS:
        return OTHERS[slug]
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.GuardianError) and kind.slug == slug:
            code = next((c for base, c in CODES.items() if issubclass(kind, base)), None)
            if code is not None:
                return code, kind.__doc__ or ""
    raise Problem(404, "not-found", "There is no such problem, which is good news.")
