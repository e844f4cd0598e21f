"""Schedules: jobs, monitors and data imports at set times."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, model_validator

from zaffre.spec import include, reference
from zaffre.spec.common import Described
from zaffre.spec.data_import import DataImport
from zaffre.spec.form import Fold, Form, Name, TextMap, asset_reference
from zaffre.spec.inputs import InputValue, OutputValue
from zaffre.spec.loading import fault
from zaffre.spec.monitor import MonitorDefinition
from zaffre.spec.pipeline import Settings

CRON = re.compile(r"[0-9A-Za-z*/,\-?#L]+(?:\s+[0-9A-Za-z*/,\-?#L]+){4}")
Day = Annotated[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], Fold]


def listed(value: Any) -> Any:
    """`hours: 3` is a list of one."""
    return [value] if isinstance(value, (int, str)) and not isinstance(value, bool) else value


def cron(value: str) -> str:
    if not CRON.fullmatch(value.strip()):
        raise fault(
            f"`{value}` is no cron expression", hint="five parts: minute hour day month weekday, such as 0 6 * * 1"
        )
    return value.strip()


class Pattern(Form):
    """Moments within a day, a week or a month."""

    hours: Annotated[list[Annotated[int, Field(ge=0, le=23)]], BeforeValidator(listed)]
    minutes: Annotated[list[Annotated[int, Field(ge=0, le=59)]], BeforeValidator(listed)]
    week_days: Annotated[list[Day], BeforeValidator(listed)] | None = None
    month_days: Annotated[list[Annotated[int, Field(ge=-1, le=31)]], BeforeValidator(listed)] | None = None


class Trigger(Form):
    """When: by cron or by recurrence. Times without offset are in `time_zone`: a Windows or IANA name, else UTC."""

    type: Annotated[Literal["cron", "recurrence"], Fold]
    expression: Annotated[str, AfterValidator(cron)] | None = None  # of cron
    frequency: Annotated[Literal["minute", "hour", "day", "week", "month"], Fold] | None = None  # of recurrence
    interval: Annotated[int, Field(ge=1)] | None = None
    schedule: Pattern | None = None
    start_time: str | None = None
    end_time: str | None = None
    time_zone: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Trigger:
        if self.type == "cron" and self.expression is None:
            raise fault("a cron trigger needs `expression`", hint='such as expression: "0 6 * * 1"')
        if self.type == "recurrence" and (self.frequency is None or self.interval is None):
            raise fault("a recurrence trigger needs `frequency` and `interval`")
        return self


def job(value: Any, info: ValidationInfo) -> str | Form:
    """A job of the past by name (`azureml:NAME`), a file, or the job itself."""
    if isinstance(value, Form):
        return value
    if isinstance(value, str):
        if reference.is_local(value):
            return include.load(value, "job", info)
        return asset_reference("jobs")(value)
    if value.__class__ is not dict:
        raise fault("a job is a name, a file or a mapping")
    return include.inner(value, "job", info)


JobValue = Annotated[str | Form, PlainValidator(job)]


class JobRun(Form):
    """A job with changes for its scheduled runs."""

    type: str | None = None
    job: JobValue
    settings: Settings | None = None
    inputs: dict[str, InputValue] | None = None
    outputs: dict[str, OutputValue] | None = None
    tags: TextMap | None = None
    compute: str | None = None
    experiment_name: str | None = None
    display_name: str | None = None
    description: str | None = None


def job_or_run(value: Any, info: ValidationInfo) -> Any:
    """`create_job` is a job, or a mapping with `job` and changes to it."""
    if isinstance(value, dict) and "job" in value:
        return JobRun.model_validate(value, context=info.context)
    return job(value, info)


def import_value(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str):
        return include.load(value, "data-import", info) if reference.is_local(value) else asset_reference("data")(value)
    return value if isinstance(value, DataImport) else DataImport.model_validate(value, context=info.context)


class Schedule(Described):
    """A job, a monitor or a data import at set times."""

    name: Name
    trigger: Trigger
    is_enabled: bool | None = None  # true if not given
    create_job: Annotated[str | Form | JobRun | None, PlainValidator(job_or_run)] = None
    create_monitor: MonitorDefinition | None = None
    import_data: Annotated[str | DataImport | None, PlainValidator(import_value)] = None

    @model_validator(mode="after")
    def _one_action(self) -> Schedule:
        given = [name for name in ("create_job", "create_monitor", "import_data") if getattr(self, name) is not None]
        if len(given) != 1:
            found = "has both " + " and ".join(given) if given else "has none"
            raise fault(f"a schedule has one of `create_job`, `create_monitor`, `import_data`; this one {found}")
        return self
