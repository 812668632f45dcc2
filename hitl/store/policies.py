"""Rows of `policy_sets`: versions never change, so each is read and parsed once per process."""

from hitl.domain import policies
from hitl.domain.policies import PolicySet
from hitl.errors import Invalid
from hitl.store.postgres import Tx

# The newest version of a policy set; a tenant's own goes before everybody's.
NEWEST = """select version from policy_sets where name = %(policy)s and tenant_id in (%(tenant_id)s, 'default')
    order by (tenant_id = 'default'), created_at desc, version desc limit 1"""


def exists(tx: Tx, tenant_id: str, name: str) -> None:
    """Invalid, which names those that exist, when there is no such policy set."""
    if tx.one(NEWEST, {"policy": name, "tenant_id": tenant_id}) is None:
        names = [r["name"] for r in tx.all("select distinct name from policy_sets order by name")]
        raise Invalid(f"There is no policy set {name!r}; there is {', '.join(names)}.", field="policy")


def get(tx: Tx, tenant_id: str, name: str, version: str) -> PolicySet:
    """One version of a policy set."""
    known = ("policy set", tenant_id, name, version)
    if known not in tx.memory:
        tx.memory[known] = _read(tx, tenant_id, name, version)
    found: PolicySet = tx.memory[known]
    return found


def _read(tx: Tx, tenant_id: str, name: str, version: str) -> PolicySet:
    row = tx.one(
        """select body from policy_sets where name = %s and version = %s and tenant_id in (%s, 'default')
        order by (tenant_id = 'default') limit 1""",
        (name, version, tenant_id),
    )
    if row is None:
        raise Invalid(f"Version {version} of the policy set {name!r} is gone.")
    return policies.parse(row["body"])
