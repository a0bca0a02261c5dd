"""Jobs: what the cell is, what it needs, how it shall run."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationInfo, field_validator, model_validator

from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.names import Digest, Name, check_variable
from jupyter_slml.domain.specs.batch import BatchSpec
from jupyter_slml.domain.specs.options import option
from jupyter_slml.domain.specs.tuning import TuneSpec

#: Upper bound of all parameters together, as JSON text.
MAX_PARAMETER_BYTES = 256 * 1024
#: Upper bound of a cell's source.
MAX_SOURCE_BYTES = 4 * 2**20

_DIGEST: TypeAdapter[str] = TypeAdapter(Digest)


class JobKind(StrEnum):
    TRAINING = "training"
    TUNING = "tuning"
    BATCH = "batch"
    PROCESSING = "processing"
    NOTEBOOK = "notebook"


class TrainOptions(Frozen):
    """Options of `%%train`, `slml.jobs.submit` and the panel's form."""

    name: Name = Field(
        default="train",
        description="Name of the job; later jobs of the same name are its newer runs.",
        json_schema_extra=option("--name", "-n", metavar="NAME"),
    )
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="A parameter, bound as a variable before the cell runs. May be repeated.",
        json_schema_extra=option("-p", "--param", metavar="KEY=VALUE"),
    )
    instance: str = Field(
        default="cpu.small",
        description="Instance type: cpu.micro, cpu.small, cpu.medium, cpu.large, cpu.xlarge, or one of the settings.",
        json_schema_extra=option("--instance", "-i", metavar="TYPE"),
    )
    outputs: list[str] = Field(
        default_factory=list,
        description="A variable of the cell to bring back. May be repeated. Unset: all that the cell assigns.",
        json_schema_extra=option("--output", "-o", metavar="VARIABLE"),
    )
    register_as: Name | None = Field(
        default=None,
        description="Register the output as a new version of this model when the job succeeds.",
        json_schema_extra=option("--register", metavar="MODEL"),
    )
    register_tags: dict[str, str] = Field(
        default_factory=dict,
        description="A tag of the registered version. May be repeated.",
        json_schema_extra=option("--tag", metavar="NAME=TEXT"),
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow --register to keep a model as a pickle, which runs code when it is loaded.",
        json_schema_extra=option("--allow-pickle"),
    )
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Pass an environment variable of the kernel to the job. May be repeated.",
        json_schema_extra=option("--env", metavar="NAME"),
    )
    timeout: float | None = Field(
        default=None,
        gt=0,
        description="End the job after this many seconds.",
        json_schema_extra=option("--timeout", metavar="SECONDS"),
    )
    grace: float = Field(
        default=5.0,
        ge=0,
        le=3600,
        description="Seconds between SIGTERM and SIGKILL when the job is stopped.",
        json_schema_extra=option("--grace", metavar="SECONDS"),
    )
    retries: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Run the cell again up to so many times when it raises or exits.",
        json_schema_extra=option("--retries", metavar="N"),
    )
    memory_retries: int = Field(
        default=0,
        ge=0,
        le=100,
        description="The same when it passes its memory limit.",
        json_schema_extra=option("--memory-retries", metavar="N"),
    )
    timeout_retries: int = Field(
        default=0,
        ge=0,
        le=100,
        description="The same when its time is up.",
        json_schema_extra=option("--timeout-retries", metavar="N"),
    )
    platform_retries: int = Field(
        default=3,
        ge=0,
        le=100,
        description="The same when the platform loses it (a worker's host dies). These use up no other retries.",
        json_schema_extra=option("--platform-retries", metavar="N"),
    )
    backoff: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        description="Seconds before the first retry of a failure of the cell; doubled for each further one.",
        json_schema_extra=option("--backoff", metavar="SECONDS"),
    )
    after: list[str] = Field(
        default_factory=list,
        description="Start only when this job (id or name) has succeeded. May be repeated.",
        json_schema_extra=option("--after", metavar="JOB"),
    )
    priority: int = Field(
        default=0,
        ge=-100,
        le=100,
        description="Jobs of a higher priority start first.",
        json_schema_extra=option("--priority", metavar="N"),
    )
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description="An input channel from a URI, file, directory or glob; the cell finds it as slml.inputs[NAME]. "
        "May be repeated.",
        json_schema_extra=option("--input", metavar="NAME=URI"),
    )
    input_mode: Literal["file", "stream"] = Field(
        default="file",
        description="file: inputs are downloaded once per worker host before the cell starts. "
        "stream: slml.inputs[NAME] opens them where they are.",
        json_schema_extra=option("--input-mode", metavar="MODE"),
    )
    metric_patterns: dict[str, str] = Field(
        default_factory=dict,
        description="Read a metric off the printed lines: a regular expression with one group. May be repeated.",
        json_schema_extra=option("--metric", metavar="NAME=REGEX"),
    )
    autolog: bool = Field(
        default=True,
        description="Log the metrics of xgboost, scikit-learn and lightgbm by themselves.",
        json_schema_extra=option("--autolog"),
    )

    @field_validator("inputs")
    @classmethod
    def _channels(cls, value: dict[str, str]) -> dict[str, str]:
        for name, uri in value.items():
            check_variable(name)
            if not uri.strip():
                raise ValueError(f"the input {name} has no URI")
        return value

    @field_validator("metric_patterns")
    @classmethod
    def _patterns(cls, value: dict[str, str]) -> dict[str, str]:
        if value:
            import regex
        for name, pattern in value.items():
            check_variable(name)
            try:
                groups = re.compile(pattern).groups
                # What will look for it, and can be ended. It takes a little less than `re` does.
                regex.compile(pattern)
            except (re.error, regex.error) as error:
                raise ValueError(f"{name}={pattern} is not a regular expression: {error}") from error
            if groups != 1:
                raise ValueError(f"{name}={pattern} must have exactly one group, the number; it has {groups}")
        return value

    @field_validator("outputs")
    @classmethod
    def _variables(cls, value: list[str]) -> list[str]:
        for name in value:
            check_variable(name)
        return list(dict.fromkeys(value))

    @field_validator("parameters")
    @classmethod
    def _small_parameters(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in value:
            check_variable(name)
        size = len(json.dumps(value))
        if size > MAX_PARAMETER_BYTES:
            raise ValueError(
                f"parameters take {size} bytes, at most {MAX_PARAMETER_BYTES} are allowed; "
                "bind large data to a variable and let the cell read it"
            )
        return value


class Capture(Frozen):
    """One notebook name that travels with the cell, content-addressed."""

    name: str
    #: Key of `domain.formats`: npy, arrow, json, cloudpickle; or `module` (imported by name; no bytes), or `file`, which the
    #: cell gets as the path of the stored bytes.
    format: str
    #: `sha256` hex of the encoded bytes; for `module`, the module's dotted name.
    digest: str
    size: int = Field(ge=0)
    #: Shown to people: `pandas.DataFrame`, `function`, …
    type: str

    @field_validator("digest")
    @classmethod
    def _digest(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("format") != "module":
            _DIGEST.validate_python(value)
        return value


class SourceBundle(Frozen):
    """Local modules and files that travel with the cell: a zip, unpacked where the job runs and put on `sys.path`."""

    digest: Digest
    size: int = Field(ge=0)
    files: list[str]


class Origin(Frozen):
    """Where the cell stands."""

    notebook: str | None = None
    cell_id: str | None = None
    execution_count: int | None = None
    git_commit: str | None = None
    user: str | None = None


class Fingerprint(Frozen):
    """The environment in which the cell was written: Python `major.minor.micro` and the versions of known packages."""

    python: str
    packages: dict[str, str] = Field(default_factory=dict)


class JobSpec(TrainOptions):
    """A job as it is submitted and stored: options, the cell and everything that it needs."""

    kind: JobKind = JobKind.TRAINING
    source: str = Field(min_length=1)
    captures: list[Capture] = Field(default_factory=list)
    bundle: SourceBundle | None = None
    origin: Origin = Field(default_factory=Origin)
    fingerprint: Fingerprint | None = None
    #: `name@version` that the job evaluates: its metrics and curves become evidence for that version when it succeeds.
    evaluates: str | None = None
    #: Of a job of kind `batch`, and of no other.
    batch: BatchSpec | None = None
    #: Of a job of kind `tuning`, and of no other.
    tuning: TuneSpec | None = None

    @field_validator("source")
    @classmethod
    def _source_size(cls, value: str) -> str:
        if len(value) > MAX_SOURCE_BYTES:
            raise ValueError(f"the cell has {len(value)} characters, at most {MAX_SOURCE_BYTES} are allowed")
        return value

    @model_validator(mode="after")
    def _predicts(self) -> Self:
        if (self.kind is JobKind.BATCH) != (self.batch is not None):
            raise ValueError("a job of kind batch, and no other, has `batch`")
        return self

    @model_validator(mode="after")
    def _tuned(self) -> Self:
        if (self.kind is JobKind.TUNING) != (self.tuning is not None):
            raise ValueError("a job of kind tuning, and no other, has `tuning`")
        for entry in self.tuning.space if self.tuning is not None else ():
            if entry.name in self.parameters:
                raise ValueError(f"{entry.name} is both searched and set by -p; leave one of the two out")
        return self
