"""Numbers about HTTP itself, per process."""

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Meter:
    """Counts and times requests by method, route and code."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "hitl_http_requests", "Requests answered.", ["method", "route", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "hitl_http_seconds", "Seconds to the answer.", ["method", "route"], buckets=BUCKETS, registry=self.registry
        )

    def count(self, method: str, route: str, code: int, seconds: float) -> None:
        """Note one answered request; `route` is a template, so that ids never become labels."""
        self._requests.labels(method, route, str(code)).inc()
        self._seconds.labels(method, route).observe(seconds)
