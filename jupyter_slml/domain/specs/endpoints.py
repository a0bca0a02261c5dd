"""Endpoints: what is served, by how many replicas, and who may call."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import Name, new_id
from jupyter_slml.domain.schedules import Schedule
from jupyter_slml.domain.specs.options import Duration, option

#: How the number of replicas follows the load.
ScalingPolicy = Literal["latency", "concurrency", "fixed"]

#: What a token may do: predict, or read metrics.
Scope = Literal["invoke", "metrics"]


class DeployOptions(Frozen):
    """Options of `%deploy`, `slml.endpoints.deploy` and the panel's dialog."""

    name: Name | None = Field(
        default=None,
        description="Name of the endpoint. Unset: the model's name.",
        json_schema_extra=option("--name", "-n", metavar="ENDPOINT"),
    )
    instance: str = Field(
        default="cpu.micro",
        description="Instance type of a replica.",
        json_schema_extra=option("--instance", "-i", metavar="TYPE"),
    )
    min_replicas: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Replicas that always run. 0: the endpoint sleeps while nobody calls and wakes with the next request.",
        json_schema_extra=option("--min", metavar="N"),
    )
    max_replicas: int = Field(
        default=4,
        ge=1,
        le=1000,
        description="Replicas at most.",
        json_schema_extra=option("--max", metavar="N"),
    )
    policy: ScalingPolicy = Field(
        default="latency",
        description="How replicas follow load. latency: enough for --target-latency. concurrency: one for each "
        "--concurrency requests in flight. fixed: --max replicas while awake.",
        json_schema_extra=option("--policy", metavar="POLICY"),
    )
    target_latency: Duration = Field(
        default=0.1,
        gt=0,
        le=60,
        description="The 95th percentile that the latency policy aims at: 20ms, 0.1s.",
        json_schema_extra=option("--target-latency", metavar="TIME"),
    )
    concurrency: float = Field(
        default=8.0,
        gt=0,
        le=10_000,
        description="Requests in flight per replica that the concurrency policy aims at.",
        json_schema_extra=option("--concurrency", metavar="N"),
    )
    idle: Duration = Field(
        default=60.0,
        ge=1,
        le=7 * 86400,
        description="Time without requests after which the last replica may sleep.",
        json_schema_extra=option("--idle", metavar="TIME"),
    )
    warm: int = Field(
        default=0,
        ge=0,
        le=16,
        description="Replicas kept loaded ahead, out of rotation: they join at once when they are needed.",
        json_schema_extra=option("--warm", metavar="N"),
    )
    schedule: list[str] = Field(
        default_factory=list,
        description="A minimum by time, 'CRON=N' ('0 8 * * 1-5=2': from 8:00 on working days). May be repeated; "
        "the latest one that has come holds.",
        json_schema_extra=option("--schedule", metavar="CRON=N", whole=True),
    )
    follow: bool = Field(
        default=False,
        description="Follow the reference: when it moves to another version, the endpoint does, too.",
        json_schema_extra=option("--follow"),
    )
    weight: int = Field(
        default=100,
        ge=1,
        le=100,
        description="Share of the traffic in percent; what was served before keeps the rest.",
        json_schema_extra=option("--weight", metavar="PERCENT"),
    )
    timeout: Duration = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Time that one request may take, waiting included.",
        json_schema_extra=option("--timeout", metavar="TIME"),
    )
    max_queue: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Requests that may wait; one more is answered 429.",
        json_schema_extra=option("--max-queue", metavar="N"),
    )
    max_body: int = Field(
        default=6_291_456,
        ge=1,
        le=256 * 2**20,
        description="Largest body in bytes.",
        json_schema_extra=option("--max-body", metavar="BYTES"),
    )
    record: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the requests whose body and answer are kept in the request log (0.01: one in a hundred).",
        json_schema_extra=option("--record", metavar="SHARE"),
    )
    redact: list[str] = Field(
        default_factory=list,
        description="A column that is left out of the request log. May be repeated.",
        json_schema_extra=option("--redact", metavar="COLUMN"),
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow a model that is stored as a pickle, which runs code when it is loaded.",
        json_schema_extra=option("--allow-pickle"),
    )

    @field_validator("schedule")
    @classmethod
    def _entries(cls, value: list[str]) -> list[str]:
        Schedule(value)
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"--min {self.min_replicas} is more than --max {self.max_replicas}")
        if (largest := Schedule(self.schedule).largest) > self.max_replicas:
            raise ValueError(f"--schedule asks for {largest} replicas, which is more than --max {self.max_replicas}")
        return self


class DeploySpec(DeployOptions):
    """What an endpoint shall serve."""

    model: str = Field(min_length=1, description="NAME, NAME@VERSION, NAME@ALIAS or NAME@STAGE.")
    #: A body that the model can take, for the sample prediction of models without a signature.
    sample: JsonValue = None


class TrafficSpec(Frozen):
    """Shares of the traffic in percent by revision number or `name@version`; they sum to 100."""

    weights: dict[str, int] = Field(min_length=1)

    @field_validator("weights")
    @classmethod
    def _whole(cls, value: dict[str, int]) -> dict[str, int]:
        if any(weight < 0 for weight in value.values()) or sum(value.values()) != 100:
            raise ValueError(f"the weights must not be negative and sum to 100; these sum to {sum(value.values())}")
        return value


class ScaleSpec(Frozen):
    """Bounds of the number of replicas; what is unset stays as it is."""

    min_replicas: int | None = Field(default=None, ge=0, le=1000)
    max_replicas: int | None = Field(default=None, ge=1, le=1000)


class TakeBackSpec(Frozen):
    """What an endpoint's rollback takes back; one that serves something else by now stays as it is."""

    revision: str
    traffic: dict[str, int]


class WakeSpec(Frozen):
    """Which revision shall have a replica; unset: each that has traffic."""

    revision: str | None = None


class ConsoleSpec(Frozen):
    """A console on a replica of an endpoint. Sent again with the same `key`, it keeps the console open."""

    key: Annotated[str, Field(pattern=r"^con-[0-9a-z-]{1,40}$")] = Field(default_factory=lambda: new_id("con"))
    replica: str | None = Field(default=None, description="Unset: the least busy one.")
    drain: bool = Field(default=False, description="Take the replica out of rotation while the console is open.")
    by: str = Field(default="", max_length=200, description="Who opens it, for the log.")


class TokenOptions(Frozen):
    """Options of `%tokens create` and `jupyter slml tokens create`."""

    endpoints: list[str] = Field(
        default_factory=lambda: ["*"],
        min_length=1,
        description="An endpoint that it opens. May be repeated. Unset: all ('*').",
        json_schema_extra=option("--endpoint", "-e", metavar="ENDPOINT"),
    )
    scopes: list[Scope] = Field(
        default=["invoke"],
        min_length=1,
        description="What it allows: invoke (predict) or metrics (read /metrics). May be repeated. Unset: invoke.",
        json_schema_extra=option("--scope", metavar="SCOPE") | {"choices": ["invoke", "metrics"]},
    )
    lifetime: Duration | None = Field(
        default=None,
        gt=0,
        description="Time until it expires: 12h, 30d. Unset: never.",
        json_schema_extra=option("--expires", metavar="TIME"),
    )


class TokenSpec(TokenOptions):
    """A token for callers of endpoints."""

    name: Name = Field(description="What the token is for.")
