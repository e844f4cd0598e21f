"""Models on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from zaffre.base.limits import NAME_LENGTH, TAG_LENGTH
from zaffre.core.permissions import Permission
from zaffre.wire.assets import AssetRef, AssetView, ListFiles, Operations, ReadAssetFile
from zaffre.wire.files import FileList
from zaffre.wire.jobs import JobView
from zaffre.wire.operation import Body, Empty, Operation, View, WorkspaceRequest

Reason = Annotated[str, Field(max_length=TAG_LENGTH)]
Word = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]


class Decide(AssetRef):
    """Ask for, give or refuse the approval of a version."""

    reason: Reason | None = None


class ApprovalView(View):
    """Where the approval of a version stands: None, Requested, Approved, Rejected."""

    name: str
    version: str
    state: str
    actor: str | None = None
    reason: str | None = None
    changed_at: str | None = None


class SetAlias(WorkspaceRequest):
    """`force` moves an alias that has a promotion rule all the same; that needs a reason."""

    name: str
    alias: Word
    version: str
    reason: Reason | None = None
    force: bool = False


class DeleteAlias(WorkspaceRequest):
    """Takes the promotion rule of the alias away too, which `force` confirms."""

    name: str
    alias: Word
    reason: Reason | None = None
    force: bool = False


class Promote(AssetRef):
    """Move the alias to a version if that is better than the one which has it, on the same held-out data.

    What is not given is what the rule of this alias says already. Once an alias has a rule it moves by it alone.
    """

    alias: Word = "champion"
    metric: Word | None = None
    goal: Literal["maximize", "minimize"] | None = None
    data: Word | None = None  # name:version of a data asset, or a data set as a run calls it
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    require_approval: bool | None = None
    reason: Reason | None = None
    dry_run: bool = False  # only say what would happen


class Compared(View):
    """What a version was measured to be, and by which job."""

    version: str
    value: float | None = None
    job: str | None = None


class PromotionView(View):
    """`moved`: the alias points to the challenger now. `outcome` is a stable word, `reason` a sentence."""

    name: str
    alias: str
    moved: bool
    outcome: str
    reason: str
    metric: str
    goal: str
    min_delta: float
    data: str | None = None
    challenger: Compared
    champion: Compared | None = None
    version: str | None = None  # that has the alias now


class ExportModel(AssetRef):
    """Convert in a job, in the environment of the model; the result is a version of `to_name`, with its report.

    `sample` is data to compare the two on: an address. `allow_pickle` says that the files may be opened, where a model
    was not made by a job here.
    """

    to: Literal["onnx"] = "onnx"
    to_name: Word | None = None  # NAME-onnx if not given
    opset: Annotated[int, Field(ge=9, le=30)] | None = None
    rtol: Annotated[float, Field(gt=0, le=1)] = 1e-3
    atol: Annotated[float, Field(gt=0, le=1)] = 1e-5
    sample: str | None = None
    environment: str | dict[str, Any] | None = None
    allow_pickle: bool = False


class PackageModel(AssetRef):
    """A folder that serves the version without Zaffre, as a tar stream.

    `deployment` is the document of an online deployment, closed: its scoring code, environment, variables and request
    settings are used; its model is this one. `environment` is used instead of what the model or that document says.
    """

    deployment: dict[str, Any] | None = None
    environment: str | dict[str, Any] | None = None


class ImportModel(WorkspaceRequest):
    """Files that are stored already become a version; what they are is read from their content."""

    name: Word
    path: str  # an address: content://...
    format: str = "auto"
    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    environment: str | dict[str, Any] | None = None  # for what only a job may open
    allow_pickle: bool = False


class ImportView(View):
    """A version at once; or the job that opens a pickle and registers what it finds."""

    format: str
    notes: list[str] = Field(default_factory=list)
    model: AssetView | None = None
    job: JobView | None = None


MODEL = Operations("model")
_MODELS = "/workspaces/{workspace}/models"
_MODEL = _MODELS + "/{name}"
_WRITE, _APPROVE = Permission.ASSETS_WRITE, Permission.MODELS_APPROVE

DOWNLOAD = Operation("model.download", "GET", _MODEL + "/download", AssetRef, View,
                     Permission.ASSETS_READ, "Download as a tar stream", Body.STREAM_DOWN)  # fmt: skip
FILES = Operation("model.files", "GET", _MODEL + "/files", ListFiles, FileList, Permission.ASSETS_READ,
                  "List a folder of a version")  # fmt: skip
FILE = Operation("model.file", "GET", _MODEL + "/file", ReadAssetFile, View, Permission.ASSETS_READ,
                 "Read a file of a version", Body.STREAM_DOWN)  # fmt: skip
REQUEST = Operation("model.request_approval", "POST", _MODEL + "/approval", Decide, ApprovalView,
                    Permission.MODELS_REGISTER, "Ask for the approval of a version")  # fmt: skip
APPROVE = Operation("model.approve", "POST", _MODEL + "/approve", Decide, ApprovalView, _APPROVE, "Approve a version")
REJECT = Operation("model.reject", "POST", _MODEL + "/reject", Decide, ApprovalView, _APPROVE, "Reject a version")
SET_ALIAS = Operation("model.set_alias", "POST", _MODEL + "/aliases", SetAlias, AssetView, _WRITE,
                      "Point an alias to a version")  # fmt: skip
DELETE_ALIAS = Operation("model.delete_alias", "DELETE", _MODEL + "/aliases/{alias}", DeleteAlias, Empty, _WRITE,
                         "Take an alias away")  # fmt: skip
PROMOTE = Operation("model.promote", "POST", _MODEL + "/promote", Promote, PromotionView, _WRITE,
                    "Move an alias if the version is better on the same held-out data")  # fmt: skip
EXPORT = Operation("model.export", "POST", _MODEL + "/export", ExportModel, JobView, _WRITE,
                   "Convert a version in a job: to ONNX")  # fmt: skip
PACKAGE = Operation("model.package", "POST", _MODEL + "/package", PackageModel, View, _WRITE,
                    "Make a folder that serves a version without Zaffre, as a tar stream", Body.STREAM_DOWN,
                    asks=True)  # fmt: skip
IMPORT = Operation("model.import", "POST", _MODELS + ":import", ImportModel, ImportView, _WRITE,
                   "Register files of a known format")  # fmt: skip
OPERATIONS: tuple[Operation[Any, Any], ...] = (
    *MODEL.all(), DOWNLOAD, FILES, FILE, REQUEST, APPROVE, REJECT, SET_ALIAS, DELETE_ALIAS, PROMOTE, EXPORT, PACKAGE,
    IMPORT,
)  # fmt: skip
