"""What each role may be given: the scopes an account is made with, and what it must belong to.

Scopes are the upper bound of what a person's tokens carry; relation, consent and rules narrow them at each request. The
table is the column `scopes` of `access_matrix.csv`, and network:read wherever the matrix opens the network category.
What a row of the matrix keeps for breaking the glass is not among them: that is given then, for an hour.
"""

from typing import Final

from schema.vocabulary import AccessScope, Relation

_TABLE: Final = """
    partner_agreement  network:read
    partner_referral   network:read referral:receive case:read identity:read contact:read location:read risk:read
    partner_referral   health:read family:read assessment:read
    assessor           network:read case:read identity:read contact:read risk:read assessment:write
    city_candidate     network:read presentation:read
    city_host          network:read residency:read identity:read contact:read location:read family:read
    national_helper    network:read capacity:write
    caseworker         network:read case:read case:write identity:read contact:read location:read risk:read
    caseworker         family:read assessment:read referral:send
    lead               network:read case:read case:write identity:read contact:read risk:read family:read
    lead               assessment:read assessment:write presentation:read residency:read residency:write
    lead               referral:send referral:receive referral:decide capacity:write consent:manage
    lead               agreement:manage stats:read breakglass:use
    dpo                network:read consent:manage audit:read
    board              network:read stats:read
    resident           network:read self:read self:write self:consent self:export self:erase
    contact_person     delegate:read delegate:consent
    auditor            network:read audit:read
    operator
"""


def _read() -> dict[Relation, frozenset[AccessScope]]:
    roles = {relation.value: relation for relation in Relation}
    named = {scope.value: scope for scope in AccessScope}
    table: dict[Relation, frozenset[AccessScope]] = {}
    for line in _TABLE.strip().splitlines():
        role, *scopes = line.split()
        relation = roles[role]
        table[relation] = table.get(relation, frozenset()) | {named[scope] for scope in scopes}
    return table


SCOPES: Final = _read()
"""Scopes by role. Who has no row here, the anonymous public, has no account."""

OF_A_CITY: Final = frozenset({Relation.CITY_CANDIDATE, Relation.CITY_HOST})
"""Roles that belong to a city."""

OF_A_BODY: Final = frozenset({Relation.PARTNER_AGREEMENT, Relation.PARTNER_REFERRAL, Relation.ASSESSOR})
"""Roles that belong to a body."""

ADMINISTRATORS: Final = frozenset({Relation.OPERATOR, Relation.LEAD})
"""Roles whose people may set back how others sign in."""
