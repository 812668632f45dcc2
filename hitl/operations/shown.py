"""A case as it was last shown, in place of a look at it: for who writes only if it still has that version.

Whatever a decision or an appeal stands on changes with a new version of the case, so nothing here can be out of date
there. Nobody is to be refused for what was seen a while ago: that takes a look at what is so now.
"""

from dataclasses import dataclass, fields
from time import monotonic
from typing import Any, Self

from hitl.domain.actions import STANDING
from hitl.domain.cases import Case
from hitl.errors import Missing
from hitl.store.postgres import DictRow

# What is kept of each: no reasons, notes or rationale, which live only in rows that can be erased.
KEPT = {
    "decisions": ("decision_id", "decided_by", "policies", "age_days"),
    "appeals": ("by_person", "round", "kind"),
}
COLUMNS = tuple(field.name for field in fields(Case))
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of `views.whole`, and when it was read, on the monotonic clock."""

    row: DictRow
    at: float

    @classmethod
    def of(cls, row: DictRow, at: float) -> Self:
        """Of such a row what decisions and appeals stand on."""
        kept = {name: [{key: one[key] for key in keys} for one in row[name] or []] for name, keys in KEPT.items()}
        for name, text in (("reviews", "form"), ("actions", "settlements")):
            kept[name] = [{key: value for key, value in one.items() if key != text} for one in row[name] or []]
        bare = {name: value for name, value in row.items() if name not in ("content", "context")}
        return cls({**bare, **kept, "verdict": _named(row["verdict"])}, at)

    @property
    def age(self) -> float:
        """Seconds since it was read."""
        return monotonic() - self.at

    @property
    def case(self) -> Case:
        """The case itself."""
        return Case(**{name: self.row[name] for name in COLUMNS})

    def for_decision(self, review_id: str) -> tuple[Case, DictRow]:
        """As `reviews.for_decision`, of a review that is not decided yet."""
        review = next((r for r in self._all("reviews") if r["review_id"] == review_id), None)
        if review is None or review["status"] not in ("open", "blocked"):
            raise Missing("This case has no such review that can be decided.")
        known = {"involved": self._involved(), "standing": bool(self._standing()), "found": self._found()}
        return self.case, {**review, **known, "decided_by": None, "decided_at": None}

    def for_rollback(self) -> tuple[Case, DictRow]:
        """As `reviews.for_rollback`."""
        case = self.case
        decision = next(reversed(self._all("decisions")), None)
        basis = {
            "standing": any(action["reversible"] for action in self._standing()),
            "under_way": any(a["direction"] == "forward" and a["status"] == "sending" for a in self._all("actions")),
            "opened_by": next((a["kind"] for a in self._all("appeals") if a["round"] == case.round), None),
            "found": self._found(),
            "decision_id": decision and decision["decision_id"],
            "policies": decision and decision["policies"],
            "age_days": decision and decision["age_days"] + self.age / DAY,
        }
        return case, basis

    def standing(self) -> list[DictRow]:
        """As `actions.standing`, as far as a plan of reversals reads it."""
        undone = {action["reverses"]: action for action in self._all("actions") if action["reverses"]}
        rows = [{**action, "undoing": undone.get(action["action_id"])} for action in self._standing()]
        ids = {name: self.row[name] for name in ("case_id", "tenant_id")}
        return [{**ids, **row} for row in sorted(rows, key=lambda row: (row["round"], row["ordinal"]), reverse=True)]

    def _standing(self) -> list[dict[str, Any]]:
        return [a for a in self._all("actions") if a["direction"] == "forward" and a["status"] in STANDING]

    def _found(self) -> list[str] | None:
        verdict = self.row["verdict"]
        return None if verdict is None else [c["policy"] for c in verdict["categories"]]

    def _involved(self) -> set[str]:
        voted = (vote for review in self._all("reviews") if review["status"] == "decided" for vote in review["votes"])
        return {
            self.row["author_id"],
            self.row["started_by"],
            *(appeal["by_person"] for appeal in self._all("appeals")),
            *(decision["decided_by"] for decision in self._all("decisions")),
            *(vote["person"] for vote in voted),
        }

    def _all(self, what: str) -> list[dict[str, Any]]:
        return self.row[what] or []


def _named(verdict: dict[str, Any] | None) -> dict[str, Any] | None:
    """The policies that a verdict names, and nothing of its reasons."""
    if verdict is None:
        return None
    return {"categories": [{"policy": c["policy"]} for c in verdict["categories"] if "policy" in c]}
