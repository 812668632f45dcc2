"""What a worker process keeps running beside its actors: relay, leases, upkeep; begun and ended with the process."""

import multiprocessing
import os
import socket
import sys
import threading
import time

import structlog
from dramatiq import Broker, Worker
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Middleware

from hitl import memory, runtime
from hitl.domain.commands import Command
from hitl.errors import GuardianError, Unavailable
from hitl.graphs import registry
from hitl.operations import runs
from hitl.room import Room
from hitl.runtime import Runtime
from hitl.settings import Settings
from hitl.store import commands, workers
from hitl.store.migrate import pending
from hitl.telemetry import logs, tracing
from workers.broker import QuorumBroker
from workers.dead_letters import DeadLetters
from workers.leases import Leases
from workers.loops import Loop
from workers.parent import MasterWatch
from workers.queue_rescue import QueueRescue
from workers.relay import Relay
from workers.solitude import Solitude
from workers.upkeep import Upkeep

log = structlog.get_logger(__name__)
BEAT_SECONDS = 5.0
PLACES = 16  # of runs that are at work at once; those that wait for an analyzer or a platform come on top
SPARE = 6  # connections beside those of the worker threads: relay, leases, upkeep, heartbeat
MOST_CONNECTIONS = 32  # of a process: a thread that waits for an analyzer or a platform holds none
QUEUE_SECONDS = 10.0  # that a thread waits for one of them: well within its lease, and nobody waits for its answer
BOOT_SECONDS = 60.0  # Postgres may be starting together with us


class _Delivery(threading.local):
    """Of the message that this thread works on: whether RabbitMQ had delivered it before."""

    again = False


class Household(Middleware):
    """Everything of a worker process but its actors; Dramatiq tells it when the process begins and ends."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}"
        self.embedded = settings.broker_url is None
        self._runtime: Runtime | None = None
        self._relay: Relay | None = None
        self._leases: Leases | None = None
        self._loops: list[Loop] = []
        self._ready = threading.Event()
        self._solitude = Solitude()
        self._delivery = _Delivery()
        self._room = Room(PLACES)

    @property
    def relays(self) -> bool:
        """Whether this process hands commands to the broker; with the embedded one nobody else could."""
        return self.settings.relay == "on" or self.embedded

    @property
    def runtime(self) -> Runtime:
        """What the process works with, once it has begun."""
        assert self._runtime is not None, "after_process_boot comes first"
        return self._runtime

    def after_process_boot(self, broker: Broker) -> None:
        """Connect, register the graphs, and begin to relay. Ends the process when that cannot be.

        Dramatiq swallows what is raised here, and the process would live on without ever working.
        """
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}"  # Dramatiq forks after loading
        logs.configure(self.settings.log_format)
        _trace(self.settings)
        try:
            self._runtime = runtime.build(self.settings, connections=_connections(self.settings.worker_threads))
            self._runtime.people.everyone()  # who may decide is asked whenever a review opens
            self._register()
        except GuardianError as refusal:
            sys.exit(f"This worker cannot work: {refusal.detail}")
        except Exception as trouble:
            log.exception("the database cannot be used; has `hitl migrate` been run?")
            sys.exit(f"This worker cannot work: {type(trouble).__name__}")
        self._begin(self._runtime, broker)
        memory.settle()
        self._ready.set()

    def _register(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                with self.runtime.store.transaction() as tx:
                    registry.register(tx)
                self._beat()
            except Unavailable as trouble:
                if time.monotonic() > deadline:
                    raise
                log.warning("waiting for the database", error=trouble.detail)
                time.sleep(0.5)
            else:
                break
        if lacking := pending(self.runtime.url):
            raise GuardianError(f"The database lacks {', '.join(lacking)}: run `hitl migrate`.")

    def _begin(self, found: Runtime, broker: Broker) -> None:
        found.store.pool.timeout = QUEUE_SECONDS
        self._leases = Leases(found.store, self.worker_id)
        if self.relays:
            self._relay = Relay(found.store, broker, self.worker_id, self.settings.window, quick=found.quick)
            self._loops.append(self._relay)
        if self.settings.broker_url and isinstance(broker, QuorumBroker):
            self._loops.append(DeadLetters(self.settings.broker_url))
            self._loops.append(QueueRescue(self.settings.broker_url, broker))
        self._loops += [self._leases, Upkeep(found), Loop("heartbeat", BEAT_SECONDS, self._beat)]
        master = multiprocessing.parent_process()
        if master and master.pid:
            self._loops.append(MasterWatch(master.pid))
        for loop in self._loops:
            loop.start()

    def before_worker_boot(self, _broker: Broker, worker: Worker) -> None:
        """Have connections for the threads that there really are: `dramatiq workers` goes by its --threads."""
        threads = worker.worker_threads
        self.runtime.store.pool.resize(1, _connections(threads))
        if self._relay:
            self._relay.works(threads, self._room)
        if "worker_threads" in self.settings.model_fields_set and threads != self.settings.worker_threads:
            log.warning("--threads counts here, not HITL_WORKER_THREADS", threads=threads)

    def before_worker_shutdown(self, _broker: Broker, _worker: Worker) -> None:
        """Take nothing new; what is in flight may finish."""
        for loop in self._loops:
            if isinstance(loop, (Relay, Upkeep)):
                loop.stop()

    def after_worker_shutdown(self, _broker: Broker, _worker: Worker) -> None:
        """Hand back what did not finish, and say goodbye."""
        if self._runtime is None or self._leases is None:
            return
        for loop in self._loops:
            loop.stop()
        try:
            with self._runtime.store.transaction() as tx:
                for command in self._leases.held():
                    runs.hand_back(tx, command)
                if self.embedded:
                    commands.release(tx, self.worker_id)
                workers.leave(tx, self.worker_id)
        except GuardianError as trouble:
            log.warning("could not hand back; the leases will run out", error=trouble.detail)
        self._runtime.close()  # first: a run that has not claimed yet could still do so
        tracing.shutdown()

    def before_process_message(self, _broker: Broker, message: MessageProxy) -> None:
        """Note whether it was delivered before: then its run may have been lost together with its process."""
        self._delivery.again = getattr(message, "redelivered", False)

    def work(self, command_id: int, kind: str) -> None:
        """Begin a command and carry it out; never raises, since the row in Postgres knows how it went.

        `kind` is what the message says; the row is right.
        """
        self._ready.wait()
        try:
            self._take(command_id, kind)
        except Unavailable:
            log.warning("the database is gone; the command will be published again", command_id=command_id)
        except Exception:
            log.exception("a run broke in a way that nobody foresaw", command_id=command_id)
        finally:
            if self._relay:
                self._relay.ended(command_id)

    def _take(self, command_id: int, kind: str) -> None:
        try:
            with self._solitude.shared():
                self._begin_and_run(command_id, kind, alone=False)
        except runs.Suspect:
            with self._solitude.alone():
                self._begin_and_run(command_id, kind, alone=True)

    def _begin_and_run(self, command_id: int, kind: str, *, alone: bool) -> None:
        runner, late = self.runtime.runner, not alone and not self._delivery.again
        with self._room.place():
            while command := runner.begin(command_id, self.worker_id, alone=alone, kind=kind, late=late):
                if not command.late:
                    self._claimed(command)
                if self._run(command) != "overtaken":
                    return
                late = False

    def _run(self, command: Command) -> str:
        assert self._leases is not None, "set with the runtime"
        with self._leases.holding(command), logs.bound(case_id=command.case_id, command_id=command.command_id):
            result = self.runtime.runner.run(command, claimed=self._claimed)
            log.info("run ended", kind=command.kind, result=result, attempt=command.attempts)
        if self._relay:
            self._relay.room()
        return result

    def _claimed(self, command: Command) -> None:
        if self._relay:
            self._relay.claimed(command.command_id)

    def _beat(self) -> None:
        with self.runtime.store.transaction() as tx:
            workers.beat(tx, self.worker_id, serves=self.runtime.runner.serves, relay=self.relays)


def _connections(threads: int) -> int:
    return min(threads + SPARE, MOST_CONNECTIONS)


def _trace(settings: Settings) -> None:
    tracing.configure(
        enabled=settings.langsmith_tracing,
        api_key=settings.langsmith_api_key,
        endpoint=settings.langsmith_endpoint,
        project=settings.langsmith_project,
        content=settings.trace_content,
    )
