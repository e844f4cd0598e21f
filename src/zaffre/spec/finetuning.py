"""Fine-tuning and distillation of language models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from zaffre.spec.common import JobFields
from zaffre.spec.form import Fold, Form, ModelName, TextMap
from zaffre.spec.inputs import Input, OutputValue
from zaffre.spec.node import Node


def one_data(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) and "${{" not in value else value


Data = Annotated[str | Input, BeforeValidator(one_data)]


class FineTuningResources(Form):
    """Machines, the first that is free."""

    instance_types: list[str] | None = None
    instance_type: str | None = None
    instance_count: int | None = None


class FineTuningSettings(Form):
    """What fine-tuning needs."""

    task: Annotated[Literal["chat_completion", "text_completion", "text_generation"], Fold]
    model: Data
    model_provider: Annotated[Literal["custom", "azure_openai"], Fold] | None = None
    training_data: Data
    validation_data: Data | None = None
    hyperparameters: TextMap | None = None
    resources: FineTuningResources | None = None


class FineTuningJob(JobFields, FineTuningSettings):
    """Fine-tuning as a job."""

    type: Literal["finetuning"]
    outputs: dict[str, OutputValue] | None = None


class FineTuningNode(Node, FineTuningSettings):
    """Fine-tuning as a step."""

    type: Literal["finetuning"]


class TeacherEndpoint(Form):
    """The endpoint of the teacher model."""

    type: str
    name: str | None = None
    endpoint: str | None = None
    api_key: str | None = None


class EndpointRequests(Form):
    """How the teacher is asked."""

    request_batch_size: int | None = None
    min_endpoint_success_ratio: float | None = None


class TeacherSettings(Form):
    """How the teacher answers."""

    inference_parameters: dict[str, Any] | None = None
    endpoint_request_settings: EndpointRequests | None = None


class PromptSettings(Form):
    """What is added to prompts."""

    enable_chain_of_thought: bool | None = None
    enable_chain_of_density: bool | None = None
    max_len_summary: int | None = None


class DistillationJob(JobFields):
    """A small model learns from a large one."""

    type: Literal["distillation"]
    data_generation_type: Annotated[Literal["label_generation", "data_generation"], Fold]
    data_generation_task_type: Annotated[Literal["nli", "nlu_qa", "conversation", "math", "summarization"], Fold]
    training_data: Data
    validation_data: Data | None = None
    teacher_model_endpoint_connection: TeacherEndpoint
    student_model: ModelName
    teacher_model_settings: TeacherSettings | None = None
    prompt_settings: PromptSettings | None = None
    hyperparameters: TextMap | None = None
    resources: FineTuningResources | None = None
    outputs: dict[str, OutputValue] | None = None
