"""One winner per review, whatever the number of racers; the long form is `scripts/chaos races`."""

from tests.chaos.races import race
from tests.chaos.site import Site, opened
from tests.services.folders import throwaway


def test_of_eight_racers_one_wins_and_seven_cause_nothing(database_url: str) -> None:
    with throwaway("chaos") as folder:
        site = Site(folder, database_url, None)
        with opened(site):
            assert race(site, reviews=20, seed=7) == {202: 20, 409: 140}
            assert site.violations() == []
