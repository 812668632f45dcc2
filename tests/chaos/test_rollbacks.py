"""Rollbacks under kills undo everything once; the long form is `scripts/chaos rollbacks`."""

from tests.chaos.rollbacks import killing, roll_back, undone
from tests.chaos.site import Site, opened
from tests.services.folders import throwaway

CASES = 25


def test_whatever_is_killed_every_action_is_undone_once(database_url: str) -> None:
    with throwaway("chaos") as folder:
        site = Site(folder, database_url, None, "release", "--drop", "0.02", "--error", "0.02")
        with opened(site):
            with killing(site, seed=11):
                roll_back(site, CASES)
            assert site.violations() == []
            assert undone(site) == {
                ("remove_content", "reversed"): CASES,
                ("warn_author", "reversed"): CASES,
                ("notify_author", "irreversible"): CASES,
            }
