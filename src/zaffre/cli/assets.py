"""The verbs that data, environments, components and models share."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from zaffre.cli.client import changes, confirm, folder, note, workspace
from zaffre.cli.parser import Parser, Verbs, pairs

CHANGEABLE = {"description": "text", "tags": "map", "properties": "map"}
COLUMNS = ("name", "version", "type", "labels", "description", "created_at", "archived")
COLLECTIONS = {"data": "data", "environment": "environments", "component": "components", "model": "models"}


def collection(ws: Any, noun: str) -> Any:
    return getattr(ws, COLLECTIONS[noun])


def add_shared(verbs: Verbs, example: str) -> None:
    """list, show, update, archive, restore, delete."""
    noun = verbs.noun
    listing = verbs.add("list", _list, f"List {COLLECTIONS[noun]}, or the versions of one", f"""
        zaffre {noun} list
        zaffre {noun} list --name {example}
        """, columns=COLUMNS)  # fmt: skip
    listing.add_name(f"{noun}: all of its versions are listed", required=False)
    listing.add_listed()
    listing.add_registry()

    show = verbs.add("show", _show, f"Show a version of a {noun}", f"""
        zaffre {noun} show --name {example} --version 1
        zaffre {noun} show -n {example} --label latest --query version -o tsv
        """, columns=COLUMNS)  # fmt: skip
    update = verbs.add("update", _update, "Change description, tags, properties or labels of a version", f"""
        zaffre {noun} update -n {example} -v 1 --set description="cleaned" tags.quality=good
        zaffre {noun} update -n {example} -v 1 --remove tags.quality
        """, columns=COLUMNS)  # fmt: skip
    update.add_set("what to change: description, tags.KEY, properties.KEY")
    update.add_argument("--remove", nargs="+", action="extend", default=[], metavar="tags.KEY", help="take away")
    update.add_argument("--set-label", nargs="+", metavar="LABEL", help="these labels point here from now on")
    update.add_argument("--file", "-f", metavar="FILE", help="take name, version, description and tags from a file")
    archive = verbs.add("archive", _archive, "Hide a version (or all of a name) from lists", f"""
        zaffre {noun} archive --name {example} --version 1
        """)  # fmt: skip
    restore = verbs.add("restore", _restore, "Show in lists again", f"zaffre {noun} restore --name {example}")
    delete = verbs.add("delete", _delete, "Delete a version (or all of a name); refused while in use", f"""
        zaffre {noun} delete --name {example} --version 1 --yes
        """)  # fmt: skip
    for one in (show, update, archive, restore, delete):
        one.add_name(noun, required=one is not update)
        one.add_version()
        one.add_registry()


def add_create(parser: Parser, noun: str) -> None:
    parser.add_file(noun)
    parser.add_name(noun, required=False)
    parser.add_argument("--version", "-v", metavar="V", help="version (default: the next number)")
    parser.add_argument("--description", metavar="TEXT", help="what it is")
    parser.add_argument("--tags", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="tags")
    parser.add_registry()


def common_fields(args: Namespace) -> dict[str, Any]:
    tags = pairs(args.tags, "--tags") or None
    return {"name": args.name, "version": args.version, "description": args.description, "tags": tags}


def add_download(verbs: Verbs, run: Any, example: str) -> None:
    noun = verbs.noun
    download = verbs.add("download", run, "Download the files of a version below DIR/NAME", f"""
        zaffre {noun} download --name {example} --version 1 --download-path here
        """)  # fmt: skip
    download.add_name(noun)
    download.add_version()
    download.add_argument("--download-path", "-p", metavar="DIR", default=".", help="where to (default: here)")
    download.add_registry()


def download_files(args: Namespace) -> None:
    with workspace(args) as ws:
        files = collection(ws, args.noun).download(args.name, folder(args), version=args.version, label=args.label)
    note(args, f"{len(files)} files below {folder(args)}")


def _list(args: Namespace) -> Any:
    with workspace(args) as ws:
        return list(
            collection(ws, args.noun).list(
                args.name,
                tag=args.tag,
                max_results=args.max_results,
                archived_only=args.archived_only,
                include_archived=args.include_archived,
            )
        )


def _show(args: Namespace) -> Any:
    with workspace(args) as ws:
        return collection(ws, args.noun).get(args.name, args.version, args.label)


def _update(args: Namespace) -> Any:
    fields = changes(args, fields=CHANGEABLE)
    name, version = args.name, args.version
    if args.file:
        from zaffre.sdk import documents

        spec = documents.as_spec(documents.load(args.file, kind=args.noun), {}, args.noun)
        name, version = name or spec.get("name"), version or spec.get("version")
        fields = {key: spec[key] for key in CHANGEABLE if spec.get(key)} | fields
    if not name:
        args.parser.error("the following arguments are required: --name/-n")
    with workspace(args) as ws:
        return collection(ws, args.noun).update(name, version, args.label, labels=args.set_label, **fields)


def _archive(args: Namespace) -> None:
    with workspace(args) as ws:
        collection(ws, args.noun).archive(args.name, args.version, args.label)


def _restore(args: Namespace) -> None:
    with workspace(args) as ws:
        collection(ws, args.noun).restore(args.name, args.version, args.label)


def _delete(args: Namespace) -> None:
    which = f":{args.version}" if args.version else f"@{args.label}" if args.label else " with all its versions"
    confirm(args, f"Delete {args.noun} `{args.name}`{which}")
    with workspace(args) as ws:
        collection(ws, args.noun).delete(args.name, args.version, args.label)
