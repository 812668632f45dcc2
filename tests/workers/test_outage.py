"""RabbitMQ goes away and comes back: commands wait in Postgres, and no worker has to be started again."""

from pathlib import Path

from tests.services.rabbitmq import PrivateRabbitMQ
from tests.workers.crew import Crew, crew
from workers.broker import QuorumBroker
from workers.doorbell import QUEUE


def test_commands_wait_in_postgres_while_rabbitmq_is_down(rabbit_crew: Crew, rabbitmq: PrivateRabbitMQ) -> None:
    staff = rabbit_crew
    worker = staff.hired()
    staff.start(3)
    staff.await_statuses(waiting_review=3)
    rabbitmq.await_rooted(QUEUE)

    rabbitmq.kill9()
    staff.start(20)
    staff.decide_all()
    staff.await_(lambda: "the broker takes nothing" in worker.said, worker)
    assert staff.statuses() == {"received": 20, "executing": 3}
    rabbitmq.start()

    staff.await_(lambda: staff.unheard() or staff.statuses() == {"waiting_review": 20, "completed": 3}, worker)
    worker.stop()


def test_messages_survive_a_kill_of_rabbitmq(rabbit_crew: Crew, rabbitmq: PrivateRabbitMQ) -> None:
    staff = rabbit_crew
    worker = staff.hired(HITL_ANALYZER="stub:100")
    staff.start(60)
    staff.await_(lambda: staff.commands("done") > 5, worker)
    rabbitmq.await_rooted(QUEUE)
    rabbitmq.kill9()
    rabbitmq.start()

    staff.await_(lambda: staff.unheard() or staff.statuses() == {"waiting_review": 60}, worker)
    worker.stop()


def test_a_queue_that_was_killed_at_birth_is_declared_anew(
    database_url: str, tmp_path: Path, rabbitmq: PrivateRabbitMQ, rabbitmq_url: str
) -> None:
    with crew(database_url, tmp_path, rabbitmq_url) as found:
        found.start(20)
        broker = QuorumBroker(url=rabbitmq_url)
        broker.declare_queue(QUEUE, ensure=True)
        rabbitmq.kill9()  # within the second in which the queue is not on disk
        broker.close()
        rabbitmq.start()
        worker = found.hired()
        found.await_(lambda: found.unheard() or found.statuses() == {"waiting_review": 20}, worker)
        worker.stop()
