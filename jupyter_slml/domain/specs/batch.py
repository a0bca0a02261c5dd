"""Batch prediction: what is read, what of it is kept, how much may fail, where it goes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from jupyter_slml.domain.batch import ErrorLimit
from jupyter_slml.domain.model import Frozen
from jupyter_slml.domain.paths import check_path
from jupyter_slml.domain.specs.options import option

FORMATS = ("parquet", "csv", "jsonl", "arrow")


class BatchOptions(Frozen):
    """Options of `%batch` and `%%batch`, beside those of every job."""

    format: Literal["auto", "parquet", "csv", "jsonl", "arrow"] = Field(
        default="auto",
        description="Format of the input: parquet, csv, jsonl or arrow. auto: by the names of the files.",
        json_schema_extra=option("--format", metavar="FORMAT"),
    )
    output_format: Literal["auto", "parquet", "csv", "jsonl", "arrow"] = Field(
        default="auto",
        description="Format of the output. auto: the input's; of a DataFrame parquet.",
        json_schema_extra=option("--output-format", metavar="FORMAT"),
    )
    header: Literal["auto", "yes", "no"] = Field(
        default="auto",
        description="Whether CSV files have a header. auto: yes, unless their first line has only numbers.",
        json_schema_extra=option("--header", metavar="WORD"),
    )
    keep: list[str] = Field(
        default_factory=list,
        description="Input columns that stand beside the predictions: all, none, or their names. Unset: all.",
        json_schema_extra=option("--keep", metavar="COLUMNS"),
    )
    input_filter: str = Field(
        default="$",
        description="Columns that the model gets, as SageMaker writes them: $['a','b'], $.a, $[1:], $[0,2].",
        json_schema_extra=option("--input-filter", metavar="PATH"),
    )
    join_source: Literal["input", "none"] | None = Field(
        default=None,
        description="input: as --keep all. none: as --keep none.",
        json_schema_extra=option("--join-source", metavar="WORD"),
    )
    output_filter: str = Field(
        default="$",
        description="Columns of the output, chosen after the join: $['id','prediction'], $[0,-1]. "
        "SageMakerOutput means the predictions.",
        json_schema_extra=option("--output-filter", metavar="PATH"),
    )
    batch_rows: int = Field(
        default=65_536,
        ge=1,
        le=10_000_000,
        description="Rows that are predicted at once. They bound the memory.",
        json_schema_extra=option("--batch-rows", metavar="N"),
    )
    part_rows: int = Field(
        default=1_000_000,
        ge=1,
        description="Rows of a part at most, as far as row groups allow. A part is what a retry does again.",
        json_schema_extra=option("--part-rows", metavar="N"),
    )
    max_errors: str = Field(
        default="0",
        description="Records that may fail: a number, or a share of all rows such as 1%. One more ends the job.",
        json_schema_extra=option("--max-errors", metavar="N|P%"),
    )
    part_retries: int = Field(
        default=2,
        ge=0,
        le=100,
        description="Try a part again so many times when its process dies or cannot write.",
        json_schema_extra=option("--part-retries", metavar="N"),
    )
    parallel: int | None = Field(
        default=None,
        ge=1,
        le=512,
        description="Parts at the same time. Unset: one per core of the instance type.",
        json_schema_extra=option("--parallel", metavar="N"),
    )
    overwrite: bool = Field(
        default=False,
        description="Delete what an earlier batch job left in the output.",
        json_schema_extra=option("--overwrite"),
    )
    resume: bool = Field(
        default=False,
        description="Go on where an earlier batch job with the same input, model and options ended.",
        json_schema_extra=option("--resume"),
    )
    allow_pickle: bool = Field(
        default=False,
        description="Allow a model that is stored as a pickle, which runs code when it is loaded.",
        json_schema_extra=option("--allow-pickle"),
    )

    @field_validator("keep")
    @classmethod
    def _keep(cls, value: list[str]) -> list[str]:
        if len(value) > 1 and {"all", "none"} & set(value):
            raise ValueError("all and none stand alone")
        return value

    @field_validator("input_filter", "output_filter")
    @classmethod
    def _path(cls, value: str) -> str:
        check_path(value)
        return value

    @field_validator("max_errors", mode="before")
    @classmethod
    def _limit(cls, value: object) -> object:
        text = str(value)
        ErrorLimit.parse(text)
        return text

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.overwrite and self.resume:
            raise ValueError("--overwrite and --resume contradict each other; leave one out")
        if self.keep and self.join_source is not None:
            raise ValueError("--keep and --join-source say the same in two ways; leave one out")
        return self

    @property
    def kept(self) -> list[str] | None:
        """Names of the input columns to keep; None for all."""
        if self.join_source is not None or not self.keep:
            # With an output filter alone, SageMaker's default holds: nothing is joined.
            joined = self.join_source == "input" if self.join_source else self.output_filter == "$"
            return None if joined else []
        return None if self.keep == ["all"] else [] if self.keep == ["none"] else self.keep


class BatchModel(Frozen):
    """The registered version that predicts. Its bytes are the capture `MODEL`."""

    reference: str
    digest: str
    format: str
    signature: dict[str, JsonValue] | None = None


#: Names under which the model and a DataFrame travel.
MODEL = "_slml_model"
FRAME = "_slml_input"


class BatchSpec(BatchOptions):
    """A batch job as it is submitted."""

    #: URIs, directories or globs; none when a DataFrame travels as the capture `FRAME`.
    input: list[str] = Field(default_factory=list)
    output: str = Field(min_length=1)
    #: None: the cell defines `predict`.
    model: BatchModel | None = None
