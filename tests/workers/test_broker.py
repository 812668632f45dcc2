"""What is dialed: the protective timeouts stay, whatever else a URL asks for."""

from urllib.parse import parse_qs, urlsplit

import pytest

from workers.broker import PROTECTIVE, dialed


@pytest.mark.parametrize("url", ["amqp://u:p@host:5672/%2F", "amqp://host", "amqps://host/vhost?"])
def test_a_url_gets_timeouts(url: str) -> None:
    found = dialed(url)
    assert found.startswith(url.rstrip("?"))
    assert parse_qs(urlsplit(found).query) == {name: [value] for name, value in PROTECTIVE.items()}


def test_what_a_url_says_itself_counts_and_the_rest_is_added() -> None:
    found = urlsplit(dialed("amqps://host/v?heartbeat=60&ssl_options=%7B%27ca_certs%27%3A+%27a%26b%27%7D"))
    told = {name: [value] for name, value in PROTECTIVE.items()}
    assert parse_qs(found.query) == {**told, "heartbeat": ["60"], "ssl_options": ["{'ca_certs': 'a&b'}"]}
