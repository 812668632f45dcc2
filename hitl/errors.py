"""One error tree. Kinds say what sort of no it is; status codes are the API's business alone.

* GuardianError
  + Missing              there is no such thing, or it belongs to somebody else
  + Refused              this person may not
    - ConflictOfInterest
  + Conflict             the thing is not in a state that allows this
    - StaleReview
    - NothingApplied
    - RollbackInProgress
    - AppealUsed
    - AppealExpired
  + Invalid              what was sent cannot be accepted
    - IdempotencyKeyReused
  + Overloaded           accepted later, not now
  + Unavailable          something that Guardian needs is gone
  + Fenced               a run that lost its lease tried to write
"""

from typing import Any


class GuardianError(Exception):
    """Something Guardian will not or cannot do."""

    slug = "error"

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.facts = facts
        super().__init__(self.detail)


class Missing(GuardianError):
    """There is no such thing here."""

    slug = "not-found"


class Refused(GuardianError):
    """You may not do this."""

    slug = "forbidden"


class ConflictOfInterest(Refused):
    """You wrote, appealed, ordered reversed or decided this case before; somebody else must decide it now."""

    slug = "conflict-of-interest"


class Conflict(GuardianError):
    """The case is not in a state that allows this."""

    slug = "conflict"


class StaleReview(Conflict):
    """This review has already ended."""

    slug = "stale-review"


class NothingApplied(Conflict):
    """No applied action of this case is left to reverse."""

    slug = "nothing-applied"


class RollbackInProgress(Conflict):
    """A rollback of this case is already under way."""

    slug = "rollback-in-progress"


class AppealUsed(Conflict):
    """The author's appeal against this decision has been used."""

    slug = "appeal-used"


class AppealExpired(Conflict):
    """The time for an appeal against this decision is over."""

    slug = "appeal-expired"


class Invalid(GuardianError):
    """What was sent cannot be accepted."""

    slug = "invalid"


class IdempotencyKeyReused(Invalid):
    """This Idempotency-Key was used for another request; choose a new key for a new request."""

    slug = "idempotency-key-reused"


class Overloaded(GuardianError):
    """More work is waiting than Guardian takes on; send this again later."""

    slug = "overloaded"

    def __init__(self, detail: str | None = None, *, retry_after: int = 10, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.retry_after = retry_after


class Unavailable(GuardianError):
    """Something that Guardian needs cannot be reached; send this again, under the same Idempotency-Key."""

    slug = "unavailable"


class TargetBusy(GuardianError):
    """Another effect on the same target is on its way."""

    slug = "target-busy"


class Fenced(GuardianError):
    """This run has lost its lease; whoever holds it now carries on."""

    slug = "fenced"
