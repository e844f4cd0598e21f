"""Write the reference of the YAML language, `docs/yaml/`, from the models in `zaffre.spec`.

    python tools/yaml_reference.py            # write the pages
    python tools/yaml_reference.py --check    # exit status 1 if a page is not what the models say

A field's meaning is the comment at the end of its line, or the text below it; a part's meaning is its docstring. So
the models stay the one source, and loading them costs nothing for it.
"""

from __future__ import annotations

import ast
import inspect
import io
import sys
import textwrap
import tokenize
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from zaffre.spec import kinds
from zaffre.spec.form import Form

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "yaml"
WIDTH = 118
OTHERS = "other-kinds"


@dataclass(frozen=True)
class Page:
    name: str
    kind: str
    title: str
    create: str  # how the example is used
    more: str = ""  # what the models cannot say


PAGES = (
    Page(
        "command-job",
        "job/command",
        "Command job",
        "zaffre job create --file command-job.yml --stream",
        """
        `${{inputs.x}}` and `${{outputs.y}}` in the command become a value or a path. What stands in `$[[ ]]` vanishes
        when an input in it was not given.

        With a `distribution`, or with more than one instance, the command runs as several processes on one machine.
        Their output is in `user_logs/std_log_process_<rank>.txt`; that of rank 0 is the job's log. The first process
        that fails ends the others. `mpi` sets the variables of Open MPI and starts no `mpirun`: a program that sends
        messages by MPI itself needs one.
        """,
    ),
    Page(
        "pipeline-job",
        "job/pipeline",
        "Pipeline job",
        "zaffre job create --file pipeline-job.yml --stream",
        """
        Steps are joined by expressions: `${{parent.inputs.x}}` is an input of the pipeline,
        `${{parent.jobs.step.outputs.y}}` what another step made, `${{parent.outputs.z}}` an output of the pipeline.
        A step starts when all that it needs is there. A step whose command, code, environment and inputs are those of
        an earlier one is not run again; its result is taken. Steps of other types than command, parallel and pipeline are
        read and checked, not run.
        """,
    ),
    Page(
        "parallel-job",
        "job/parallel",
        "Parallel job",
        "zaffre job create --file parallel-job.yml --stream",
        """
        The input is cut into mini-batches, and worker processes run the script over them. `init()` is called once in
        each worker, `run(mini_batch)` or `run(mini_batch, mini_batch_context)` for each mini-batch, `shutdown()` at
        the end. A mini-batch of a file or folder is a list of paths, by name; of an `mltable` with rows it is a pandas
        DataFrame (the environment needs `mltable` and `pandas`). With `partition_keys` the context has
        `partition_key_value`, the values as text.

        `run` returns a list, an array, a DataFrame or a Series: each item or row becomes a line of the output
        `append_row_to`, columns separated by a space, in the order of the input whatever ran first. If that output is a
        folder, the file is `parallel_run_step.txt`. It appears at once when all is done. Fewer rows than files or
        rows in the mini-batch are failed items; None means that all went well.

        A mini-batch that raises, takes too long or takes its process down is tried again, and then left out and named
        in the log and in `user_logs/failed_mini_batches.jsonl`; the job fails when the thresholds are exceeded, or
        when every mini-batch failed. What is finished is kept: `zaffre job resume` runs the others only.
        What the workers print is in `user_logs/worker_<n>.txt`, the beginning of it in the job's log.

        At most as many workers run as the machine has processors. `program_arguments` may hold flags of Azure's
        own runner: `--error_threshold`, `--allowed_failed_percent`, `--allowed_failed_count`,
        `--first_task_creation_timeout` (seconds for `init`) and `--append_row_file_name` are heeded.
        """,
    ),
    Page(
        "command-component",
        "component/command",
        "Command component",
        "zaffre component create --file command-component.yml",
    ),
    Page(
        "pipeline-component",
        "component/pipeline",
        "Pipeline component",
        "zaffre component create --file pipeline-component.yml",
    ),
    Page(
        "parallel-component",
        "component/parallel",
        "Parallel component",
        "zaffre component create --file parallel-component.yml",
        """
        What its fields mean is told by [parallel job](parallel-job.md).
        """,
    ),
    Page("data", "data", "Data", "zaffre data create --file data.yml"),
    Page(
        "environment",
        "environment",
        "Environment",
        "zaffre environment create --file environment.yml",
        """
        It becomes a virtual environment, built once for a definition. Of an image its Python and its known packages
        are honoured; of a conda file, the packages that the Python index has. What could not be honoured is said in
        the build log.
        """,
    ),
    Page("model", "model", "Model", "zaffre model create --file model.yml"),
    Page(
        "online-endpoint",
        "online-endpoint",
        "Online endpoint",
        "zaffre online-endpoint create --file online-endpoint.yml",
        """
        `zaffre online-endpoint get-credentials --name risk` gives its two keys; `show --snippet curl` (or `python`,
        `javascript`) how to call it. `traffic` and `mirror_traffic` name deployments, so they are given when these
        are there: `zaffre online-endpoint update --name risk --traffic "blue=90 green=10"`. The endpoint serves on
        while the server is down or restarted.
        """,
    ),
    Page(
        "online-deployment",
        "online-deployment",
        "Online deployment",
        "zaffre online-deployment create --file online-deployment.yml --all-traffic",
        """
        With a `code_configuration`, `init()` of the script is called once in each worker and finds the folder around
        the model in `AZUREML_MODEL_DIR`; `run(data)` gets the text of a request, or what decorators of
        `inference_schema` or `rawhttp` say. An MLflow model and an ONNX file need no script. Which models score rows of
        several requests together, and why that is safe, stands in the
        [decision](../decisions/0015-serving.md).

        A deployment that is created or changed starts beside what serves, is asked whether it is ready, and only then
        gets requests; who answered before finishes its own. For ten minutes it is compared with what was before, and
        goes back by itself when it is worse; the tag `zaffre.auto_rollback: "false"` of the endpoint keeps it.
        With `scale_settings` that allow none, the last worker ends when nobody asks, and the next request waits for a
        new one.

        What a `data_collector` keeps appears in its datastore, local or remote, within about five minutes:
        `COLLECTION/yyyy/MM/dd/HH/INSTANCE.parquet` with a row for each record, its payload as JSON in the column `data`
        ([why](../decisions/0019-collected-data.md)); JSON lines where the server has no pyarrow.
        """,
    ),
    Page(
        "batch-endpoint",
        "batch-endpoint",
        "Batch endpoint",
        "zaffre batch-endpoint create --file batch-endpoint.yml",
        """
        `zaffre batch-endpoint invoke --name risk --input ./folder` starts a pipeline job with one step, or the pipeline
        of the deployment. Its output `score` has the predictions.
        """,
    ),
    Page(
        "batch-deployment",
        "batch-deployment",
        "Batch deployment",
        "zaffre batch-deployment create --file batch-deployment.yml --set-default",
        """
        A deployment of a model runs a script over the files of an input as a [parallel job](parallel-job.md) does:
        `init()` finds the folder around the model in `AZUREML_MODEL_DIR`, `run(mini_batch)` gets a list of paths. What it
        returns is appended to `predictions.csv`; with `output_action: summary_only` the script writes files itself, to
        the folder `AZUREML_BI_OUTPUT_PATH`, and they arrive in the output when all is done.

        An MLflow model needs neither script nor environment: it scores tables (.csv, .tsv, .parquet, .json, .jsonl) with
        the packages that its own `conda.yaml` or `requirements.txt` names, and writes a line for each row: its number in
        the file, the prediction, the name of the file.

        What a deployment names by label is fixed when it is created. Settings may be changed for one invocation:
        `--mini-batch-size`, `--instance-count`, `--set output_file_name=today.csv`.
        """,
    ),
    Page("datastore", "datastore", "Datastore", "zaffre datastore create --file datastore.yml"),
    Page(
        "compute",
        "compute",
        "Compute",
        "zaffre compute create --file compute.yml",
        """
        All computes share the machine of the server; a cluster bounds how many jobs run on it at once.
        """,
    ),
    Page("workspace", "workspace", "Workspace", "zaffre workspace create --file workspace.yml"),
)
INTRODUCTION = """\
The files of Azure Machine Learning v2, read as they are. A relative path in a file starts at the folder of
the file. `zaffre validate FILE` checks a file of any kind and names every fault with its line; `--set
a.b=value` replaces a value first. Words with capitals and humps (`AmlCompute`, `RwMount`) are taken for those
with underscores. (Zaffre) marks what Azure ML does not have."""
OTHERS_SAID = """These are read and checked (`zaffre validate`), not run by this release: a job or a step of such a type
is refused with the code `JobTypeNotOffered`, and for the others there is no command that creates them."""
OWN_PAGE = {"Environment": "environment.md", "CommandComponent": "command-component.md",
            "PipelineComponent": "pipeline-component.md",
            "ParallelComponent": "parallel-component.md"}  # fmt: skip
# Parts that concern Azure's own services: shown as a mapping, and their fields are not explained one by one.
WITHOUT_EFFECT = {"Identity", "JobService", "QueueSettings", "SshSettings", "NetworkSettings", "InferenceConfig",
                  "CustomerManagedKey", "ManagedNetwork"}  # fmt: skip
AZURES = {"Workspace", "ComputeInstance", "SynapseSpark"}  # most fields concern Azure's own services
KEPT = "Kept; no effect here."
ONE_CHOICE = "Says what it is."
# What a validator makes of a value that its type does not tell.
WORDS = {
    "local_path": "path",
    "data_path": "path or address",
    "output_path": "address",
    "checked_name": "name",
    "expression_only": "expression",
    "environment": "name, `file:PATH` or [environment](environment.md)",
    "conda": "path or mapping",
    "requirement_lines": "path or list of text",
    "resource_id": "Azure resource id",
}


def main(arguments: list[str]) -> int:
    stale = []
    for path, text in pages():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(name)
    return 1 if stale and "--check" in arguments else 0


def pages() -> Iterator[tuple[Path, str]]:
    """(path, text) of every page."""
    for page in PAGES:
        yield FOLDER / f"{page.name}.md", text_of(page)
    yield FOLDER / f"{OTHERS}.md", others()
    yield FOLDER / "README.md", index()


def index() -> str:
    lines = ["# The YAML language", "", filled(INTRODUCTION), ""]
    for page in PAGES:
        lines.append(f"- [{page.title}]({page.name}.md): {meaning(page.kind)}")
    return "\n".join([*lines, f"- [Other kinds]({OTHERS}.md): read and checked, not run by this release", ""])


def others() -> str:
    shown = {page.kind for page in PAGES}
    lines = ["# Other kinds", "", filled(OTHERS_SAID), "", "| kind | `$schema` | meaning |", "|---|---|---|"]
    for kind, (_, _, schema) in kinds.KINDS.items():
        if kind not in shown:
            lines.append(f"| `{kind}` | `{schema}` | {meaning(kind)} |")
    return "\n".join([*lines, ""])


def text_of(page: Page) -> str:
    """One page: what it is, an example, its fields, and the parts that they are made of."""
    base, *family = models(page.kind)
    example = (FOLDER / "examples" / f"{page.name}.yml").read_text(encoding="utf-8").rstrip()
    lines = [f"# {page.title}", "", paragraph(kinds.single_module(page.kind) if family else base), ""]
    if page.more:
        lines += ["\n\n".join(map(filled, inspect.cleandoc(page.more).split("\n\n"))), ""]
    lines += ["## Example", "", "```yaml", example, "```", "", "```sh", page.create, "```", ""]
    lines += ["## Fields", "", *table(base), ""]
    for one in family:
        (given,) = get_args(one.model_fields["type"].annotation)
        own = [name for name in hints(one) if name not in base.model_fields]
        lines += [f"## `type: {given}`", "", paragraph(one), "", *(table(one, own) if own else ()), ""]
    for part in parts([base, *family]):
        lines += [f"## {title(part)}", "", paragraph(part), "", *table(part), ""]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


def models(kind: str) -> list[type[Form]]:
    """The model of a kind; where each type has a model of its own, those after it."""
    base = kinds.single_model(kind)
    family = getattr(kinds.single_module(kind), kinds.FAMILIES[kind]).values() if kind in kinds.FAMILIES else ()
    return [base, *family]


def parts(roots: list[type[Form]]) -> list[type[Form]]:
    """The parts below the roots in order of appearance; those with a page of their own are left to it."""
    found: list[type[Form]] = []
    queue = list(roots)
    while queue:
        for hint in hints(queue.pop(0)).values():
            for part in inside(hint):
                if part not in found and part not in roots and part.__name__ not in OWN_PAGE:
                    found.append(part)
                    queue.append(part)
    return found


def inside(hint: Any) -> Iterator[type[Form]]:
    if isinstance(hint, type) and issubclass(hint, Form) and hint.__name__ not in WITHOUT_EFFECT:
        yield from steps() if hint.__name__ == "Node" else (hint,)
    for item in get_args(hint):
        if isinstance(item, type) or get_args(item):
            yield from inside(item)


def steps() -> tuple[type[Form], ...]:
    """The steps that run; those of other types are read and checked."""
    from zaffre.spec.node import CommandNode
    from zaffre.spec.parallel import ParallelNode
    from zaffre.spec.pipeline import PipelineNode

    return CommandNode, ParallelNode, PipelineNode


@cache
def hints(model: type[Form]) -> dict[str, Any]:
    """Fields with their annotations, metadata included, inherited ones first."""
    found = get_type_hints(model, include_extras=True)
    return {name: found[name] for name in model.model_fields}


def table(model: type[Form], only: list[str] | None = None) -> list[str]:
    lines = ["| field | type | default | meaning |", "|---|---|---|---|"]
    said = meanings(model)
    for name, hint in hints(model).items():
        if only is not None and name not in only:
            continue
        field = model.model_fields[name]
        said_of = said.get(name) or (ONE_CHOICE if len(set(literals_in(hint))) == 1 else "")
        cells = (f"`{name}`", words(hint, field), default(field), said_of or (KEPT if model.__name__ in AZURES else ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default is None or field.default is PydanticUndefined:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def words(hint: Any, field: FieldInfo | None = None) -> str:
    """A type in words."""
    found = list(dict.fromkeys(word for word in alternatives(hint, list(field.metadata) if field else []) if word))
    return " or ".join(found) if len(found) < 3 else ", ".join(found[:-1]) + " or " + found[-1]


def alternatives(hint: Any, metadata: list[Any]) -> Iterator[str]:
    if get_origin(hint) is Annotated:
        inner, *own = get_args(hint)
        names = [getattr(getattr(item, "func", None), "__name__", "") for item in own]
        known = next((WORDS[name] for name in names if name in WORDS), None)
        if known:
            yield known
        elif "expression_only" not in names:
            yield from (
                word + bounds(own) if word in ("integer", "number") else word for word in alternatives(inner, [])
            )
    elif get_origin(hint) in (Union, types.UnionType):
        for item in get_args(hint):
            if item is not type(None):
                yield from alternatives(item, metadata)
    elif get_origin(hint) is Literal:
        yield from (f"`{item}`" for item in literals_in(hint))
    elif get_origin(hint) is list:
        yield f"list of {words(get_args(hint)[0]) if get_args(hint) else 'values'}"
    elif get_origin(hint) is dict:
        inner = get_args(hint)[1]
        yield "mapping" if inner is Any else f"mapping of name to {words(inner)}"
    elif isinstance(hint, type) and issubclass(hint, Form):
        yield "mapping" if hint.__name__ in WITHOUT_EFFECT else link(hint)
    else:
        yield {str: "text", int: "integer", float: "number", bool: "boolean", Any: "anything", dict: "mapping"}.get(
            hint, ""
        )


def literals_in(hint: Any) -> Iterator[str]:
    """The choices of a field that has no others."""
    for item in get_args(hint) if get_origin(hint) is Literal else ():
        if get_origin(item) is Literal:
            yield from literals_in(item)
        else:
            yield str(item)


def bounds(metadata: list[Any]) -> str:
    for item in metadata:
        for inner in (item, *getattr(item, "metadata", ())):
            if getattr(inner, "ge", None) is not None:
                return f" ≥ {inner.ge}"
            if getattr(inner, "gt", None) is not None:
                return f" > {inner.gt}"
    return ""


def link(model: type[Form]) -> str:
    if model.__name__ == "Node":
        return " or ".join(link(step) for step in steps())
    target = OWN_PAGE.get(model.__name__) or "#" + title(model).lower().replace(" ", "-")
    return f"[{title(model).lower()}]({target})"


def title(model: type[Form]) -> str:
    """`RetrySettings` as words."""
    named = {
        "CommandNode": "Command step",
        "ParallelNode": "Parallel step",
        "PipelineNode": "Pipeline step",
        "S3": "S3",
    }
    name = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in model.__name__).strip()
    return named.get(model.__name__, name.capitalize())


@cache
def meanings(model: type[Form]) -> dict[str, str]:
    """What the source says of each field: its own class first, then those that it inherits from."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one.__module__.startswith("zaffre."):
            found |= said_in(one)
    return found


def said_in(model: type[BaseModel]) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(model))
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    for node, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        said = [comments[line] for line in range(node.lineno, (node.end_lineno or node.lineno) + 1) if line in comments]
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            said.append(inspect.cleandoc(str(following.value.value)).replace("\n", " "))
        if said:
            found[node.target.id] = sentence(" ".join(said))
    return found


def sentence(text: str) -> str:
    """With a capital where it begins with a plain word, and a full stop."""
    first = text.split(" ", 1)[0].rstrip(",:;")
    text = text[0].upper() + text[1:] if first.isalpha() and first.islower() else text
    return text if text.endswith((".", "?")) else text + "."


def paragraph(of: Any) -> str:
    return "\n\n".join(filled(part) for part in inspect.cleandoc(of.__doc__).split("\n\n"))


def meaning(kind: str) -> str:
    """The first sentence about a kind."""
    of = kinds.single_module(kind) if kind in kinds.FAMILIES else kinds.single_model(kind)
    text = inspect.cleandoc(of.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return text.split(". ")[0].rstrip(".")


def filled(text: str) -> str:
    return "\n".join(textwrap.wrap(text.replace("\n", " "), WIDTH, break_long_words=False, break_on_hyphens=False))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
