"""Models into the registry and out of it: import, inspect, export, package."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from zaffre.base import errors
from zaffre.cli.client import note, workspace
from zaffre.cli.model_life import add_named, named
from zaffre.cli.parser import FORMATS as FORMATS_OF_OUTPUT
from zaffre.cli.parser import Verbs, pairs

FORMATS = ("auto", "sklearn", "xgboost", "lightgbm", "pytorch", "tensorflow", "onnx", "mlflow", "huggingface",
           "safetensors")  # fmt: skip

SCORING = ("code_configuration", "environment", "environment_variables", "request_settings", "resources")


def add(verbs: Verbs) -> None:
    export = verbs.add("export", _export, "Convert a version to ONNX, and show that both say the same", """
        zaffre model export risk:3 --to onnx
        zaffre model export --name risk --version 3 --to onnx --sample rows.csv --rtol 1e-4
        """)  # fmt: skip
    add_named(export)
    export.add_argument("--to", choices=("onnx",), default="onnx", metavar="FORMAT", help="onnx")
    export.add_argument("--to-name", metavar="NAME", help="name of the result (default: NAME-onnx)")
    export.add_argument("--opset", type=int, metavar="N", help="of ONNX (default: 17)")
    export.add_argument("--rtol", type=float, metavar="X", help="largest relative difference (default: 1e-3)")
    export.add_argument("--atol", type=float, metavar="X", help="absolute difference beside it (default: 1e-5)")
    export.add_argument("--sample", metavar="PATH", help="rows to compare on: a table here, or an address")
    _opening(export)

    package = verbs.add("package", _package, "Make a folder that serves a version without Zaffre", """
        zaffre model package risk:3 --output risk-3
        zaffre model package risk:3 --file deployment.yml --output risk-3      # with its scoring script
        zaffre model package --name risk --version 3 --deployment blue --endpoint-name risk --output risk-3
        zaffre model package risk:3 --output risk-3 --push registry.example.com/team/risk:3
        """)  # fmt: skip
    add_named(package)
    place = package.add_argument_group("result", conflict_handler="resolve")  # not a format, as of every other verb
    place.add_argument("--output", "-o", dest="folder", metavar="DIR", help="where to: a new folder (NAME-VERSION)")
    package.add_argument(
        "--file", "-f", metavar="FILE", help="YAML file of an online deployment that says how to score"
    )
    package.add_argument("--deployment", "-d", metavar="NAME", help="an online deployment instead of a file")
    package.add_argument("--endpoint-name", "-e", metavar="NAME", help="its endpoint")
    package.add_argument("--environment", metavar="ENV", help="instead of the model's: azureml:NAME@latest, or env.yml")
    package.add_argument("--push", metavar="IMAGE", help="build its image, and push it: REGISTRY/NAME:TAG")
    _building(package)

    image = verbs.add("image", _image, "Build the image of a package with podman, and push it to a registry", """
        zaffre model image risk-3 --tag risk:3
        zaffre model image risk-3 --tag registry.example.com/team/risk:3 --push
        zaffre model image risk-3 --tag risk:3 --base-image localhost/python:3.11 --network none
        """)  # fmt: skip
    image.add_argument("path", metavar="DIR", help="folder that `zaffre model package` made")
    image.add_argument("--tag", "-t", required=True, metavar="IMAGE", help="name of the image: [REGISTRY/]NAME[:TAG]")
    image.add_argument("--push", action="store_true", help="push it there; `podman login` has the credentials")
    _building(image)

    bring = verbs.add("import", _import, "Register files of a known format; told by their content", """
        zaffre model import model.onnx
        zaffre model import boosted.json --name risk
        zaffre model import forest.joblib --name risk --allow-pickle --environment env.yml
        """)  # fmt: skip
    bring.add_argument("path", metavar="PATH", help="file or folder, or an address")
    bring.add_argument("--name", "-n", metavar="NAME", help="name of the model (default: of the file)")
    bring.add_argument("--format", choices=FORMATS, default="auto", metavar="FORMAT", help=", ".join(FORMATS))
    bring.add_argument("--description", metavar="TEXT", help="what it is")
    bring.add_argument("--tags", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="tags")
    _opening(bring)

    inspect = verbs.add("inspect", _inspect, "Say what the files of a model are, and what its pickles name", """
        zaffre model inspect forest.joblib
        """)  # fmt: skip
    inspect.add_argument("path", metavar="PATH", help="file or folder on this machine")


def _building(parser: Any) -> None:
    parser.add_argument("--base-image", metavar="IMAGE", help="image with Python and pip (python:X.Y-slim)")
    parser.add_argument("--network", metavar="MODE", help="of the build: none, host (as podman is set up)")


def _opening(parser: Any) -> None:
    parser.add_argument("--environment", metavar="ENV", help="where it is opened: azureml:NAME@latest, or env.yml")
    parser.add_argument("--allow-pickle", action="store_true", help="its pickles may be opened, in a job of their own")
    parser.add_argument("--wait", action="store_true", default=True, help="show the job until it ends (default)")
    parser.add_argument("--no-stream", dest="wait", action="store_false", help="return when the job is submitted")


def _export(args: Namespace) -> Any:
    name, version = named(args)
    with workspace(args) as ws:
        job = ws.models.export(
            name, version, to=args.to, to_name=args.to_name, opset=args.opset, rtol=args.rtol, atol=args.atol,
            sample=args.sample, environment=_environment(args), allow_pickle=args.allow_pickle,
        )  # fmt: skip
        return _followed(args, ws, job, args.to_name or f"{name}-onnx")


def _package(args: Namespace) -> Any:
    name, version = named(args)
    if args.folder in FORMATS_OF_OUTPUT:
        raise errors.InvalidRequest(
            f"`--output {args.folder}`: here it is a folder", code="InvalidCommand", hint=f"--output ./{args.folder}"
        )
    if bool(args.deployment) != bool(args.endpoint_name) or (args.deployment and args.file):
        raise errors.InvalidRequest("say --deployment and --endpoint-name, or --file", code="InvalidCommand")
    with workspace(args) as ws:
        version = version or ws.models.get(name, label="latest").version
        spec = args.file
        if args.deployment:
            spec = _spec_of(ws.online_deployments.get(args.deployment, args.endpoint_name))
        folder = args.folder or f"{name}-{version}"
        note(args, f"fixing the versions of the environment of {name}:{version}")
        made = ws.models.package(name, folder, version, deployment=spec, environment=_environment(args))
    told = json.loads((made / "package.json").read_text(encoding="utf-8"))
    for line in told["notes"]:
        note(args, line)
    note(args, f"`{folder}/run.sh` serves it here; {folder}/README.md has the other ways")
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    found = {"name": name, "version": version, "folder": str(made), "python": told["python"], "bytes": size}
    return found | (_published(args, made, args.push, push=True) if args.push else {})


def _image(args: Namespace) -> Any:
    return _published(args, Path(args.path).expanduser(), args.tag, push=args.push)


def _published(args: Namespace, folder: Path, tag: str, *, push: bool) -> dict[str, Any]:
    """The log of the engine is shown as it comes."""
    from zaffre.plugins.podman.publish import publish

    def say(line: str) -> None:
        if not args.only_show_errors:
            print(line, file=sys.stderr, flush=True)

    made = publish(folder.absolute(), tag, say, push=push, base=args.base_image, network=args.network)
    return {"image": made.image, "id": made.id} | ({"digest": made.digest} if made.digest else {})


def _spec_of(view: Any) -> dict[str, Any]:
    """What a deployment says of scoring; the rest is of its endpoint."""
    shown = view.model_dump(exclude_none=True)
    return {key: shown[key] for key in SCORING if key in shown}


def _import(args: Namespace) -> Any:
    address = "://" in args.path or args.path.startswith("azureml:")
    name = args.name or _name_of(args.path)
    if not address:
        from zaffre.sdk.inspect_model import inspect_model

        found = inspect_model(args.path)
        for item in found.get("pickles", ()):
            note(args, _about(item))
    with workspace(args) as ws:
        view = ws.models.import_files(
            name, args.path, format=args.format, description=args.description, tags=pairs(args.tags, "--tags"),
            environment=_environment(args), allow_pickle=args.allow_pickle,
        )  # fmt: skip
        for line in view.notes:
            note(args, line)
        return view.model if view.model is not None else _followed(args, ws, view.job, name)


def _inspect(args: Namespace) -> Any:
    from zaffre.sdk.inspect_model import inspect_model

    return inspect_model(args.path)


def _about(item: Any) -> str:
    if not item["complete"]:
        return f"{item['file']} cannot be read to its end; of what it names: {', '.join(item['globals'][:8])}"
    if item["suspicious"]:
        return f"{item['file']} names what a model does not need: {', '.join(item['suspicious'][:8])}"
    return f"{item['file']} names {len(item['globals'])} classes and functions, all of usual libraries"


def _environment(args: Namespace) -> Any:
    """A file is read here; a name or an address is the server's to know."""
    text = args.environment
    if text is None or not text.endswith((".yml", ".yaml")):
        return text
    from zaffre.sdk import documents

    return documents.as_spec(documents.load(text, kind="environment"), {}, "environment")


def _name_of(path: str) -> str:
    return Path(path.rstrip("/")).name.partition(".")[0] or "model"


def _followed(args: Namespace, ws: Any, job: Any, name: str) -> Any:
    """The log of the job, which ends with the table; then the version that it made."""
    if not args.wait:
        return job
    from zaffre.cli.progress import watch
    from zaffre.sdk.jobs import succeeded

    to = sys.stderr if args.output or args.query else sys.stdout
    try:
        ended = succeeded(watch(ws.jobs, job, to))
    except KeyboardInterrupt:
        print(f"\njob `{job.name}` goes on; `zaffre job cancel --name {job.name}` ends it", file=sys.stderr)
        return 130
    made = ((ended.model_extra or {}).get("outputs") or {}).get("model", {}).get("asset", "")
    version = made.rpartition(":")[2] or None
    if version is None:
        raise errors.ZaffreError(f"job {job.name} made no model", hint=f"zaffre job show --name {job.name}")
    found = ws.models.get(name, version)
    if args.output or args.query:
        return found
    note(args, f"registered as {name}:{version}; `zaffre model show --name {name}` has the report")
    return None
