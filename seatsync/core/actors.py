"""Who acts: a person, a rule, a model, a marketplace or the system. Passed to every service and selector."""

import uuid
from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """What kind of actor made a change (I-35)."""

    USER = "user"
    STAFF = "staff"
    RULE = "rule"
    MODEL = "model"
    MARKETPLACE = "marketplace"
    SYSTEM = "system"


# Those that are people, as opposed to machines of ours or theirs.
PERSONS = frozenset({ActorKind.USER, ActorKind.STAFF})


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor in one tenant. `id` is the user's, rule's or account's id as text; `system` for the system."""

    kind: ActorKind
    id: str
    tenant_id: uuid.UUID | None
    user_id: uuid.UUID | None = None
    request_id: str = ""

    @property
    def is_staff(self) -> bool:
        """Whether the actor may see across holders (support staff and the system itself)."""
        return self.kind in {ActorKind.STAFF, ActorKind.SYSTEM}

    @property
    def is_person(self) -> bool:
        """Whether a person acts, as opposed to a machine of ours or theirs."""
        return self.kind in PERSONS

    @classmethod
    def system(cls, tenant_id: uuid.UUID | None = None, name: str = "system") -> "Actor":
        """SeatSync itself, for one tenant or none."""
        return cls(ActorKind.SYSTEM, name, tenant_id)

    @classmethod
    def marketplace(cls, tenant_id: uuid.UUID, account_id: uuid.UUID) -> "Actor":
        """A marketplace account that reported something; it sees and does what the system may."""
        return cls(ActorKind.MARKETPLACE, str(account_id), tenant_id)
