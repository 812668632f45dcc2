"""RabbitMQ goes away and comes back: commands wait in Postgres, and no worker has to be started again."""

from tests.services.rabbitmq import PrivateRabbitMQ
from tests.workers.crew import Crew
from workers.doorbell import QUEUE


def test_commands_wait_in_postgres_while_rabbitmq_is_down(rabbit_crew: Crew, rabbitmq: PrivateRabbitMQ) -> None:
    crew = rabbit_crew
    worker = crew.hired()
    crew.start(3)
    crew.await_statuses(waiting_review=3)
    rabbitmq.await_rooted(QUEUE)

    rabbitmq.kill9()
    crew.start(20)
    crew.decide_all()
    crew.await_(lambda: "the broker takes nothing" in worker.said, worker)
    assert crew.statuses() == {"received": 20, "executing": 3}
    rabbitmq.start()

    crew.await_(lambda: crew.unheard() or crew.statuses() == {"waiting_review": 20, "completed": 3}, worker)
    worker.stop()


def test_messages_survive_a_kill_of_rabbitmq(rabbit_crew: Crew, rabbitmq: PrivateRabbitMQ) -> None:
    crew = rabbit_crew
    worker = crew.hired(HITL_ANALYZER="stub:100")
    crew.start(60)
    crew.await_(lambda: crew.commands("done") > 5, worker)
    rabbitmq.await_rooted(QUEUE)
    rabbitmq.kill9()
    rabbitmq.start()

    crew.await_(lambda: crew.unheard() or crew.statuses() == {"waiting_review": 60}, worker)
    worker.stop()


def test_a_queue_that_was_killed_at_birth_is_declared_anew(rabbit_crew: Crew, rabbitmq: PrivateRabbitMQ) -> None:
    crew = rabbit_crew
    crew.start(20)
    worker = crew.hired(HITL_ANALYZER="stub:100")
    crew.await_(lambda: crew.commands("done") > 0, worker)
    rabbitmq.kill9()  # within the second in which the queue is not on disk
    rabbitmq.start()

    crew.await_(lambda: crew.unheard() or crew.statuses() == {"waiting_review": 20}, worker)
    worker.stop()
