"""LangSmith's ingestion, as its real client meets it."""

import json
import re
from http.server import BaseHTTPRequestHandler

from tests.fakes.http import FakeServer, Request, send

_PART = re.compile(r'form-data; name="([^"]+)"[^\n]*\n(.*?)\r\n--', re.DOTALL)
_INFO = {
    "version": "0.12.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 1,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
    },
}


class FakeLangSmith(FakeServer):
    """Takes every trace, and keeps what arrived; asks for `zstd` or not; one that `hangs` never answers."""

    def __init__(self, *, zstd: bool = True, hangs: bool = False) -> None:
        super().__init__()
        self.compresses = zstd
        self._info = {**_INFO, "instance_flags": {"zstd_compression_enabled": zstd}}
        self._hangs = hangs

    @property
    def captured(self) -> str:
        """Every byte that arrived: lines, headers and bodies, decompressed."""
        return "\n".join(f"{r.method} {r.path} {r.headers} {r.body.decode('utf-8', 'replace')}" for r in self.requests)

    @property
    def parts(self) -> dict[str, str]:
        """The parts of all multipart bodies by name, such as `post.<run id>.extra`."""
        return {m[1]: m[2] for m in _PART.finditer(self.captured)}

    def answer(self, request: Request, to: BaseHTTPRequestHandler) -> None:
        """Its own description for GET /info, 202 for traces."""
        if self._hangs:
            self.closing.wait()
            to.close_connection = True
        elif request.method == "GET":
            send(to, 200, json.dumps(self._info if request.path.endswith("/info") else {}).encode())
        else:
            send(to, 202, b"{}")
