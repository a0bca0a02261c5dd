"""How many jobs may hold a slot at once, beside what the workers have room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_slml.domain.instances import InstanceType


@dataclass(frozen=True)
class Limits:
    """The workspace's own limits; None is none."""

    per_user: int | None = None

    def allow(self, user: str, kind: InstanceType, by_user: Mapping[str, int], by_kind: Mapping[str, int]) -> bool:
        return self.reason(user, kind, by_user, by_kind) is None

    def reason(self, user: str, kind: InstanceType, by_user: Mapping[str, int], by_kind: Mapping[str, int]) -> str | None:
        """Why the job may not start now; None when it may."""
        if self.per_user is not None and by_user.get(user, 0) >= self.per_user:
            return f"Waits for the limit of {self.per_user} running job(s) per user (setting user_limit)."
        if kind.limit is not None and by_kind.get(kind.name, 0) >= kind.limit:
            return f"Waits for the limit of {kind.limit} running job(s) of type {kind.name}."
        return None
