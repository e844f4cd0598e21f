"""The models of a workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from zaffre.base import errors
from zaffre.sdk.assets import Assets
from zaffre.sdk.collection import pages
from zaffre.sdk.unpack import unpack
from zaffre.wire import audit as audit_wire
from zaffre.wire import models as wire
from zaffre.wire.assets import AssetView, Operations
from zaffre.wire.audit import AuditEntry
from zaffre.wire.jobs import JobView
from zaffre.wire.models import ApprovalView, ImportView, PromotionView

if TYPE_CHECKING:
    from zaffre.sdk.documents import Submittable


class Models(Assets):
    """`ws.models`.

    >>> ws.models.create_or_update(load_model("model.yml"))     # doctest: +SKIP
    >>> ws.models.download("risk", "out", label="latest")       # doctest: +SKIP
    >>> ws.models.package("risk", "risk-3", version="3")        # doctest: +SKIP
    >>> ws.models.promote("risk", "3", metric="auc", data="held-out:1").reason     # doctest: +SKIP
    """

    kind: ClassVar[str] = "model"
    operations: ClassVar[Operations] = wire.MODEL

    def download(
        self, name: str, download_path: str | Path = ".", *, version: str | None = None, label: str | None = None
    ) -> list[Path]:
        """Write the files of a version below `download_path`, in a folder of the name."""
        chunks = self._transport.stream_down(wire.DOWNLOAD, self._ref(name, version, label))
        return unpack(chunks, Path(download_path))

    def request_approval(self, name: str, version: str | None = None, *, reason: str | None = None) -> ApprovalView:
        """Ask that a version be approved. Raises `Conflict` when it stands elsewhere already."""
        return self._decide(wire.REQUEST, name, version, reason)

    def approve(self, name: str, version: str | None = None, *, reason: str | None = None) -> ApprovalView:
        """Approve a version. Raises `Conflict` for one that was rejected: its approval is asked for again first."""
        return self._decide(wire.APPROVE, name, version, reason)

    def reject(self, name: str, version: str | None = None, *, reason: str) -> ApprovalView:
        """Reject a version, also one that was approved. A rejected version is never promoted."""
        return self._decide(wire.REJECT, name, version, reason)

    def set_alias(
        self, name: str, alias: str, version: str, *, reason: str | None = None, force: bool = False
    ) -> AssetView:
        """Point an alias to a version. Raises `Conflict` when it has a promotion rule, unless forced with a reason."""
        fields = self._scope.about(name=name, alias=alias, version=version, reason=reason, force=force)
        return self._transport.call(wire.SET_ALIAS, wire.SetAlias(**fields))

    def delete_alias(self, name: str, alias: str, *, reason: str | None = None, force: bool = False) -> None:
        """Take an alias away; with `force` also one that has a promotion rule, together with the rule."""
        fields = self._scope.about(name=name, alias=alias, reason=reason, force=force)
        self._transport.call(wire.DELETE_ALIAS, wire.DeleteAlias(**fields))

    def promote(
        self,
        name: str,
        version: str | None = None,
        *,
        alias: str = "champion",
        metric: str | None = None,
        goal: Literal["maximize", "minimize"] | None = None,
        data: str | None = None,
        min_delta: float | None = None,
        require_approval: bool | None = None,
        reason: str | None = None,
        dry_run: bool = False,
    ) -> PromotionView:
        """Move `alias` to a version if that is better by `metric` on the same held-out `data`, by more than `min_delta`
        (in the unit of the metric).

        What is not given is what the rule of the alias says. The answer says whether it moved, and why or why not.
        """
        fields = self._scope.about(
            name=name, version=version, alias=alias, metric=metric, goal=goal, data=data, min_delta=min_delta,
            require_approval=require_approval, reason=reason, dry_run=dry_run,
        )  # fmt: skip
        return self._transport.call(wire.PROMOTE, wire.Promote(**fields))

    def export(
        self,
        name: str,
        version: str | None = None,
        *,
        to: Literal["onnx"] = "onnx",
        to_name: str | None = None,
        opset: int | None = None,
        rtol: float | None = None,
        atol: float | None = None,
        sample: str | Path | None = None,
        environment: Any = None,
        allow_pickle: bool = False,
    ) -> JobView:
        """Convert a version in a job, in the environment of the model; `ws.jobs.stream(job.name)` shows it.

        The result is a version of `to_name` (`NAME-onnx`), registered only if both models say the same about the rows
        of `sample` (a local table, or an address), else of the data that the run used, else of the input example:
        labels equal, numbers within `atol + rtol * |value|`.
        """
        fields = self._scope.about(
            name=name, version=version, to=to, to_name=to_name, opset=opset, rtol=rtol, atol=atol,
            sample=self._sent(sample), environment=environment, allow_pickle=allow_pickle,
        )  # fmt: skip
        return self._transport.call(wire.EXPORT, wire.ExportModel(**fields))

    def package(
        self,
        name: str,
        path: str | Path,
        version: str | None = None,
        *,
        label: str | None = None,
        deployment: Submittable | str | Path | None = None,
        environment: Any = None,
    ) -> Path:
        """Make a folder at `path` that serves a version without Zaffre: `run.sh`, a Dockerfile, and their like.

        `deployment` (a file, a document) says how it is scored where the model itself does not: scoring script,
        environment, variables, request settings. Raises `Conflict` when there is something at `path` already.
        """
        place = Path(path).expanduser().absolute()
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise errors.Conflict(
                f"{place} is there already", code="PackagePlaceTaken", hint="name a new folder, or remove this one"
            )
        from zaffre.sdk.documents import load  # the language costs what only documents need

        spec = None
        if deployment is not None:
            changes = {"name": "package", "endpoint_name": "package", "model": f"azureml:{name}@latest"}
            if isinstance(deployment, str | Path):
                deployment = load(deployment, kind="online-deployment", changes=changes)
            spec = self._scope.closer.close(deployment, changes, default_kind="online-deployment").spec
        fields = self._scope.about(name=name, version=version, label=label, deployment=spec, environment=environment)
        chunks = self._transport.stream_down(wire.PACKAGE, wire.PackageModel(**fields))
        staged = place.with_name(f".{place.name[:200]}.part")
        shutil.rmtree(staged, ignore_errors=True)
        try:
            unpack(chunks, staged)
            os.replace(staged, place)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return place

    def import_files(
        self,
        name: str,
        path: str | Path,
        *,
        format: str = "auto",
        description: str | None = None,
        tags: dict[str, str] | None = None,
        environment: Any = None,
        allow_pickle: bool = False,
    ) -> ImportView:
        """Register files of a known format (a local path, or an address); what they are is told by their content.

        The answer has the version; or, for a pickle that may be opened, the job that opens it in `environment` and
        registers what it finds. Raises `InvalidRequest` for an unknown format, and for pickles without consent.
        """
        fields = self._scope.about(
            name=name, path=self._sent(path), format=format, description=description, tags=tags,
            environment=environment, allow_pickle=allow_pickle,
        )  # fmt: skip
        return self._transport.call(wire.IMPORT, wire.ImportModel(**fields))

    def _sent(self, path: str | Path | None) -> str | None:
        """A local path is sent; an address stays as it is."""
        if path is None or (isinstance(path, str) and ("://" in path or path.startswith(("azureml:", "runs:")))):
            return path if path is None else str(path)
        there = Path(path).expanduser().absolute()
        return self._scope.closer.uploader().address(there, ignore_files=False, as_folder=False)

    def history(self, name: str, version: str | None = None, *, max_results: int | None = None) -> Iterator[AuditEntry]:
        """Who did what to a model, when and why; newest first."""
        fields = self._scope.about(noun=self.kind, name=name, version=version)

        def ask(cursor: str | None, size: int) -> Any:
            request = audit_wire.ListAudit(**fields, max_results=size, cursor=cursor)
            return self._transport.call(audit_wire.LIST, request)

        return pages(ask, max_results)

    def _decide(self, operation: Any, name: str, version: str | None, reason: str | None) -> ApprovalView:
        request = wire.Decide(**self._scope.about(name=name, version=version, reason=reason))
        view: ApprovalView = self._transport.call(operation, request)
        return view
