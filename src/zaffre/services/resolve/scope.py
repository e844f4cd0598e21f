"""What resolving one document needs: the workspace, one look at the database, and what was found already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from zaffre.base.errors import NotFound
from zaffre.core.environment import catalogue
from zaffre.ports.environment import EnvironmentDefinition
from zaffre.services.context import Context
from zaffre.services.places import BUILT_IN, DATASTORE
from zaffre.spec.reference import Reference, parse_reference
from zaffre.store import assets, resources
from zaffre.store import jobs as job_store


@dataclass
class Scope:
    """One document is resolved against one moment of the database; equal things are resolved once."""

    ctx: Context
    connection: Connection
    workspace: str
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)  # key -> definition, for the plan
    known_environments: dict[str, tuple[str, dict[str, str]]] = field(
        default_factory=dict
    )  # as named -> key and variables
    notes: list[str] = field(default_factory=list)
    _components: dict[str, dict[str, Any]] = field(default_factory=dict)
    _computes: dict[str, bool] = field(default_factory=dict)
    _spec: dict[str, Any] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The document of the workspace."""
        if self._spec is None:
            self._spec, _ = resources.get_workspace(self.connection, self.workspace)
        return self._spec

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def asset(self, kind: str, reference: Reference) -> assets.AssetRecord:
        """Raises `NotFound`."""
        return assets.get(
            self.connection, self.workspace, kind, str(reference.name), reference.version, reference.label
        )

    def component(self, text: str) -> tuple[dict[str, Any], str]:
        """The document of a registered component, and its name:version."""
        if text not in self._components:
            reference = parse_reference(text, bare="asset")
            if reference.kind == "registry_asset":
                raise NotFound(
                    f"component {reference.name} of registry {reference.registry} is not here",
                    code="ComponentNotFound",
                    hint=f"create it in this workspace: zaffre component create --file {reference.name}.yml",
                )
            record = self.asset("component", reference)
            self._components[text] = {"spec": record.spec, "source": f"{record.name}:{record.version}"}
        found = self._components[text]
        return found["spec"], found["source"]

    def compute(self, text: str | None) -> str | None:
        """The name of a compute that exists. `serverless` is the machine itself."""
        if text is None or "${{" in text:
            return text
        name = text.removeprefix("azureml:").rsplit("/", 1)[-1]
        if name in ("serverless", "local", ""):
            return "local"
        if name not in self._computes:
            resources.get(self.connection, self.workspace, "compute", name)
            self._computes[name] = True
        return name

    def place(self, path: str | None, what: str) -> None:
        """Raises `NotFound` when an output names a datastore that does not exist."""
        found = DATASTORE.match(path or "")
        if found and "${{" not in found["name"] and found["name"] not in BUILT_IN:
            try:
                resources.get(self.connection, self.workspace, "datastore", found["name"])
            except NotFound as error:
                error.message = f"{what}: {error.message}"
                raise

    def job(self, name: str) -> job_store.JobRecord:
        return job_store.get(self.connection, self.workspace, name)

    def curated(self, text: str) -> EnvironmentDefinition:
        """Raises `NotFound` with near names."""
        definition, notes = catalogue.resolve(text)
        for sentence in notes:
            self.note(sentence)
        return definition
