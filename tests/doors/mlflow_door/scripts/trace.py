"""Traces: decorated functions, nested spans, errors, search, tags, feedback, deletion."""

import contextlib
import os

import mlflow
from mlflow.entities import SpanType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

client = MlflowClient()
new = tuple(map(int, mlflow.__version__.split(".")[:2])) >= (3, 4)
experiment_id = mlflow.set_experiment(os.environ.get("EXPERIMENT", "assistant")).experiment_id


def flush():
    if hasattr(mlflow, "flush_trace_async_logging"):
        try:
            mlflow.flush_trace_async_logging()
        except Exception as error:  # nothing was sent asynchronously
            print("flush:", error)


@mlflow.trace(span_type=SpanType.TOOL, attributes={"kind": "lookup"})
def look_up(word):
    return {"word": word, "meaning": "ü" * 5}


@mlflow.trace(name="answer", span_type=SpanType.AGENT)
def answer(question, times=2):
    with mlflow.start_span(name="plan", span_type=SpanType.LLM) as span:
        span.set_inputs({"messages": [{"role": "user", "content": question}]})
        span.set_attributes({"model": "small", "temperature": 0.5, "tokens": [1, 2, 3]})
        span.set_outputs("a plan")
    return [look_up(f"{question} {number}") for number in range(times)]


with mlflow.start_run() as run:
    assert len(answer("what is wine?")) == 2
flush()
first = mlflow.get_last_active_trace_id()
answer("what is beer?", times=1)


@mlflow.trace
def fails():
    raise ValueError("no such word")


with contextlib.suppress(ValueError):
    fails()
flush()

trace = mlflow.get_trace(first)
assert trace is not None and trace.info.trace_id == first
spans = {span.name: span for span in trace.data.spans}
assert len(trace.data.spans) == 4 and "answer" in spans and "plan" in spans, list(spans)
plan = spans["plan"]
assert plan.parent_id == spans["answer"].span_id and plan.span_type == "LLM"
assert plan.inputs == {"messages": [{"role": "user", "content": "what is wine?"}]} and plan.outputs == "a plan"
assert plan.get_attribute("tokens") == [1, 2, 3] and plan.get_attribute("temperature") == 0.5
assert spans["answer"].outputs[0]["meaning"] == "ü" * 5
assert plan.start_time_ns < plan.end_time_ns
assert str(trace.info.status).endswith("OK") and trace.info.execution_time_ms is not None


def found(text=None, **options):
    traces = mlflow.search_traces(experiment_ids=[experiment_id], filter_string=text, return_type="list", **options)
    return [t.info.trace_id for t in traces]


everything = found()
assert len(everything) == 3 and everything[-1] == first, everything
assert found(order_by=["timestamp_ms ASC"])[0] == first
failed = found("status = 'ERROR'")
assert len(failed) == 1
broken = mlflow.get_trace(failed[0])
assert broken.data.spans[0].status.status_code.name == "ERROR" and broken.data.spans[0].events
assert found("name = 'answer'", max_results=1) != found("name = 'answer'")
assert first in found(run_id=run.info.run_id) and len(found(run_id=run.info.run_id)) == 1
assert found("timestamp_ms > 0 AND execution_time_ms < 100000000") == everything
page = client.search_traces(experiment_ids=[experiment_id], max_results=2)
rest = client.search_traces(experiment_ids=[experiment_id], max_results=2, page_token=page.token)
assert [t.info.trace_id for t in page] + [t.info.trace_id for t in rest] == everything and not rest.token

client.set_trace_tag(first, "reviewed by", 'O\'Hara "x"')
assert mlflow.get_trace(first).info.tags["reviewed by"] == 'O\'Hara "x"'
assert found('tags.`reviewed by` = "O\'Hara ""x"""') == [first]
client.delete_trace_tag(first, "reviewed by")
assert "reviewed by" not in mlflow.get_trace(first).info.tags
for wrong in ("state ~ 'x'", "name = 'a' OR name = 'b'", "nothing = 'x'", "span.nothing = 'x'"):
    try:
        client.search_traces(experiment_ids=[experiment_id], filter_string=wrong)
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", error
    else:
        raise AssertionError(wrong)

if new:
    assert found("span.type = 'TOOL'") == everything[1:]
    assert found("span.name = 'plan' AND span.status = 'OK'") == everything[1:]
    assert found("span.attributes.model = 'small' AND trace.text LIKE '%what is wine%'") == [first]
    from mlflow.entities import AssessmentSource

    source = AssessmentSource("HUMAN", "kim")
    given = mlflow.log_feedback(trace_id=first, name="right", value=0.75, rationale="nearly", source=source)
    mlflow.log_expectation(trace_id=first, name="wanted", value={"words": ["wine"]})
    said = {item.name: item for item in mlflow.get_trace(first).info.assessments}
    assert said["right"].value == 0.75 and said["right"].source.source_id == "kim"
    assert said["wanted"].value == {"words": ["wine"]}
    assert found("feedback.right > 0.5") == [first] and found("feedback.right > 0.9") == []
    from mlflow.entities import Feedback

    better = mlflow.update_assessment(first, given.assessment_id, Feedback(name="right", value="yes", source=source))
    assert better.value == "yes" and mlflow.get_assessment(first, given.assessment_id).rationale == "nearly"
    assert found("feedback.right = 'yes'") == [first]
    other = mlflow.override_feedback(trace_id=first, assessment_id=given.assessment_id, value=False)
    states = {item.assessment_id: item.valid for item in mlflow.get_trace(first).info.assessments if item.feedback}
    assert states == {given.assessment_id: False, other.assessment_id: True}, states
    mlflow.delete_assessment(first, other.assessment_id)
    assert mlflow.get_assessment(first, given.assessment_id).valid
    with mlflow.start_run() as second:
        client.link_traces_to_run([first], second.info.run_id)
    assert found(run_id=second.info.run_id) == [first]

if other_trace := os.environ.get("TRACE_OF_ANOTHER_CLIENT"):
    read = mlflow.get_trace(other_trace)
    assert [span.name for span in read.data.spans if span.parent_id is None] == ["answer"]
    assert {span.name: span for span in read.data.spans}["plan"].get_attribute("tokens") == [1, 2, 3]

assert client.delete_traces(experiment_id, trace_ids=failed) == 1
assert found() == [t for t in everything if t not in failed]
print("kept", first)
print("done", mlflow.__version__)
