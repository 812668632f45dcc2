"""The figures that are compared."""

from collections.abc import Callable

from bench.plan import Shape
from bench.report.results import Json, Measure


def _latency(group: str, point: str) -> Callable[[Json], float | None]:
    def find(line: Json) -> float | None:
        found: float | None = line["latency"][group][point]
        return found

    return find


def _per_case(name: str) -> Callable[[Json], float | None]:
    return lambda line: line.get(name)


RATE = Measure("closed-0", "cases/s, analyzer 0 ms, 32 clients", _per_case("cases_per_second"), more_is_better=True)
RATE_200 = Measure(
    "closed-200", "cases/s, analyzer 200 ms, 32 clients", _per_case("cases_per_second"), more_is_better=True
)
CPU = Measure("closed-0", "server CPU per case, ms", _per_case("server_cpu_ms"))
CPU_200 = Measure("closed-200", "server CPU per case, analyzer 200 ms, ms", _per_case("server_cpu_ms"))
CLIENT = Measure("closed-0", "client CPU per case, ms (not in the server's)", _per_case("client_cpu_ms"))
ACK = Measure("gentle", "acknowledgement at 3 cases/s, p50, ms", _latency("ack", "p50"))
ACK_99 = Measure("gentle", "acknowledgement at 3 cases/s, p99, ms", _latency("ack", "p99"))
PAUSED = Measure("gentle", "start → paused at 3 cases/s, p50, ms", _latency("start_paused", "p50"))
PAUSED_99 = Measure("gentle", "start → paused at 3 cases/s, p99, ms", _latency("start_paused", "p99"))
DONE = Measure("gentle", "decision → completed at 3 cases/s, p50, ms", _latency("decision_completed", "p50"))
DONE_99 = Measure("gentle", "decision → completed at 3 cases/s, p99, ms", _latency("decision_completed", "p99"))
WAL = Measure("closed-0", "Postgres WAL per case, kB", _per_case("wal_kb"))
FLUSHES = Measure("closed-0", "Postgres WAL flushes per case", _per_case("wal_flushes"))
COMMITS = Measure("closed-0", "Postgres commits per case, reads included", _per_case("commits"))
IDLE_CPU = Measure("idle", "idle CPU, % of a core", lambda line: float(line["cores"]) * 100)
IDLE_MEMORY = Measure("idle", "idle memory (PSS), MiB", _per_case("pss_mib"))


def scaled(shape: Shape) -> Measure:
    """Cases per second with so many workers and desks."""
    return Measure(shape.scenario, "cases/s", _per_case("cases_per_second"), more_is_better=True)


def scaled_latency(shape: Shape) -> Measure:
    """Start → paused under the load of the closed loop."""
    return Measure(shape.scenario, "start → paused, p50, ms", _latency("start_paused", "p50"))


def busy(line: Json) -> float:
    """Cores in use, the client's included."""
    return float(sum(line["cores_by_process"].values()) + line["cores_client"])


def grown(closed: int) -> dict[str, Measure]:
    """What is measured with so many closed cases in the database, by its key."""
    scenario = f"growth-{closed}"
    return {
        "rate": Measure(scenario, "cases/s, 32 clients", _per_case("cases_per_second"), more_is_better=True),
        "paused": Measure(scenario, "start → paused, p50, ms", _latency("start_paused", "p50")),
        "done": Measure(scenario, "decision → completed, p50, ms", _latency("decision_completed", "p50")),
        "queue": Measure(scenario, "the queue's first page, p50, ms", _look("queue")),
        "status": Measure(scenario, "status, p50, ms", _look("status")),
    }


def _look(name: str) -> Callable[[Json], float | None]:
    def find(line: Json) -> float | None:
        found: float | None = line["looks"][name]["p50"]
        return found

    return find


def _flood(when: str, point: str) -> Callable[[Json], float | None]:
    def find(line: Json) -> float | None:
        found: float | None = line[when][point]
        return found

    return find


ALONE_99 = Measure("flood", "start → paused, p99, alone, ms", _flood("alone", "p99"))
BESIDE_99 = Measure("flood", "start → paused, p99, beside the flood, ms", _flood("beside", "p99"))

COMPARED = (RATE, RATE_200, CPU, PAUSED, PAUSED_99, DONE, DONE_99, ACK, ACK_99, WAL, FLUSHES)
SHOWN = (RATE, RATE_200, CPU, CPU_200, CLIENT, PAUSED, PAUSED_99, DONE, DONE_99, ACK, ACK_99, WAL, FLUSHES, COMMITS)
AT_REST = (IDLE_CPU, IDLE_MEMORY)
