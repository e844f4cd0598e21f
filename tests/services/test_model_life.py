"""The life of a model on both databases: searches, aliases under a rule, promotion, approval, the audit trail."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from zaffre.base.errors import Conflict, InvalidRequest, NotFound, ZaffreError
from zaffre.base.home import Home
from zaffre.core.permissions import Principal, Role
from zaffre.plugins.content.store import FileContentStore
from zaffre.services.audit.show import list_audit
from zaffre.services.context import Changes, Context, Settings
from zaffre.services.handlers import answer
from zaffre.services.models import model_version, registered_model
from zaffre.services.models.rename_model import rename_registered_model
from zaffre.services.tracking.create_run import create_run
from zaffre.services.tracking.log_batch import log_batch
from zaffre.services.tracking.log_inputs import log_inputs
from zaffre.services.tracking.update_run import update_run
from zaffre.store import assets, endpoints, resources, runs
from zaffre.store.assets import Edge
from zaffre.store.datasets import DatasetUse
from zaffre.store.db import Database
from zaffre.store.endpoints import DeploymentRecord, EndpointRecord
from zaffre.store.metrics import Point
from zaffre.wire.assets import AssetRef, AssetVersion, CreateAsset, ListAssets, UpdateAsset
from zaffre.wire.audit import ListAudit
from zaffre.wire.models import Decide, DeleteAlias, Promote, SetAlias


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    home = Home(tmp_path)
    with database.write() as connection:
        for workspace in ("default", "other"):
            resources.put_workspace(database, connection, workspace, {})
    unused: Any = None
    return Context(
        db=database, home=home, content=FileContentStore(home.content), environments=unused, remote=unused,
        vault=unused, settings=Settings(), changes=Changes(),
    )  # fmt: skip


def run_with(context: Context, name: str, digest: str, use: str = "eval", **metrics: float) -> str:
    """A finished run that wrote a model and measured it on a data set."""
    run = create_run(context, "default", experiment_id="0", run_name=name, user=None, start_time=1, tags={}).record.name
    points = [Point(key, value, 0, 1) for key, value in metrics.items()]
    log_batch(context, "default", run, points=points, given={}, tags={})
    tags = {"mlflow.data.context": use}
    log_inputs(context, "default", run, [DatasetUse("held-out", digest, "local", "{}", tags=tags)], [])
    update_run(context, "default", run, status="FINISHED", end_time=2, run_name=None)
    folder = context.home.artifacts("default", run) / "model"
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {sklearn: {sklearn_version: 1.7.2}}\nsignature: {inputs: '[]'}\n")
    return run


def version_of(context: Context, run: str, name: str = "risk") -> str:
    found = model_version.create_model_version(context, "default", name, source=f"runs:/{run}/model", tags={})
    return found.record.version


@pytest.fixture
def risk(context: Context) -> Context:
    """Model risk with versions 1 (auc 0.8) and 2 (auc 0.9), measured on the same data."""
    registered_model.create_registered_model(context, "default", "risk", tags={})
    for name, auc in (("one", 0.8), ("two", 0.9)):
        version_of(context, run_with(context, name, "d1", auc=auc, rmse=auc))
    return context


def ask(context: Context, name: str, request: Any) -> Any:
    return answer(context, f"model.{name}", request)


def aliases(context: Context) -> dict[str, str]:
    return registered_model.get_registered_model(context, "default", "risk").aliases


def test_rel_19_the_champion_moves_by_its_rule_alone(risk: Context) -> None:
    first = ask(risk, "promote", Promote(name="risk", version="1", metric="auc", data="held-out"))
    assert (first.moved, first.outcome, first.version) == (True, "First", "1")
    look = ask(risk, "promote", Promote(name="risk", version="2", dry_run=True))
    assert (look.moved, look.outcome) == (False, "Better")
    assert aliases(risk) == {"champion": "1"}
    better = ask(risk, "promote", Promote(name="risk", version="2"))
    assert (better.moved, better.champion.value, better.challenger.value) == (True, 0.8, 0.9)
    worse = ask(risk, "promote", Promote(name="risk", version="1"))
    assert (worse.moved, worse.outcome, worse.version) == (False, "Worse", "2")
    equal = version_of(risk, run_with(risk, "equal", "d1", auc=0.9))
    assert ask(risk, "promote", Promote(name="risk", version=equal)).outcome == "Equal"
    moved = version_of(risk, run_with(risk, "moved test set", "d2", auc=0.99))
    kept = ask(risk, "promote", Promote(name="risk", version=moved))
    assert (kept.moved, kept.outcome) == (False, "NotMeasured")
    other = ask(risk, "promote", Promote(name="risk", version=moved, data="held-out:d2"))
    assert (other.moved, other.outcome) == (False, "OtherData")
    assert aliases(risk) == {"champion": "2"}
    actions = [entry.action for entry in list_audit(risk, ListAudit(noun="model", name="risk")).items]
    assert actions.count("promote") == 2
    assert actions.count("keep") == 4
    assert actions[-1] == "register"


def test_rel_19_no_other_door_moves_a_ruled_alias(risk: Context) -> None:
    ask(risk, "promote", Promote(name="risk", version="2", metric="auc"))
    for act in (
        lambda: registered_model.set_alias(risk, "default", "risk", "champion", "1"),
        lambda: registered_model.delete_alias(risk, "default", "risk", "champion"),
        lambda: answer(risk, "model.update", UpdateAsset(name="risk", version="1", labels=["champion"])),
        lambda: ask(risk, "set_alias", SetAlias(name="risk", alias="champion", version="1")),
        lambda: ask(risk, "delete_alias", DeleteAlias(name="risk", alias="champion")),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "AliasRuled"
    assert aliases(risk) == {"champion": "2"}
    with pytest.raises(InvalidRequest, match="reason"):
        ask(risk, "set_alias", SetAlias(name="risk", alias="champion", version="1", force=True))
    ask(risk, "set_alias", SetAlias(name="risk", alias="champion", version="1", force=True, reason="2 is too slow"))
    entry = list_audit(risk, ListAudit(noun="model", name="risk")).items[0]
    assert (entry.actor, entry.action, entry.reason) == ("owner", "set-alias", "2 is too slow")
    assert (entry.before, entry.after) == (
        {"alias": "champion", "version": "2"}, {"alias": "champion", "version": "1"},
    )  # fmt: skip
    # An alias without a rule is anybody's.
    registered_model.set_alias(risk, "default", "risk", "shadow", "2")
    assert aliases(risk) == {"champion": "1", "shadow": "2"}


def test_rel_19_the_ruled_champion_is_not_deleted_by_the_way(risk: Context) -> None:
    ask(risk, "promote", Promote(name="risk", version="2", metric="auc"))
    with pytest.raises(Conflict) as refused:
        model_version.delete_model_version(risk, "default", "risk", "2")
    assert refused.value.code == "AliasRuled"
    assert aliases(risk) == {"champion": "2"}
    model_version.delete_model_version(risk, "default", "risk", "1")
    ask(risk, "delete_alias", DeleteAlias(name="risk", alias="champion", force=True, reason="it was withdrawn"))
    model_version.delete_model_version(risk, "default", "risk", "2")


def test_rel_19_nothing_is_inherited_from_a_deleted_version(risk: Context) -> None:
    """What jobs measured of a version that is gone says nothing of the one that bears its number now."""
    judge = run_with(risk, "evaluation", "d1", auc=0.99)
    with risk.db.write() as connection:
        job = runs.get(connection, "default", judge)
        assets.add_edges(connection, "default", [Edge(job.id, "input", "model", "model", "risk:2")])
    model_version.delete_model_version(risk, "default", "risk", "2")
    assert version_of(risk, run_with(risk, "three", "d1", auc=0.1)) == "3", "numbers are not given twice"
    again = run_with(risk, "another two", "d1")
    spec = {"name": "risk", "version": "2", "path": f"azureml://jobs/{again}/outputs/artifacts/paths/model"}
    answer(risk, "model.create", CreateAsset(spec=spec))
    found = ask(risk, "promote", Promote(name="risk", version="2", metric="auc", dry_run=True))
    assert found.outcome == "NotMeasured"
    assert answer(risk, "model.lineage", AssetRef(name="risk", version="2")).used_by == []


def test_a_name_that_was_deleted_begins_anew(risk: Context) -> None:
    answer(risk, "model.archive", AssetVersion(name="risk", version="1"))
    registered_model.delete_registered_model(risk, "default", "risk")
    registered_model.create_registered_model(risk, "default", "risk", tags={})
    assert version_of(risk, run_with(risk, "anew", "d1")) == "1"
    model_version.delete_model_version(risk, "default", "risk", "1")
    assert version_of(risk, run_with(risk, "after", "d1")) == "2"


def test_a_model_whose_versions_are_all_archived_takes_new_ones(context: Context) -> None:
    run = run_with(context, "r", "d", auc=1.0)
    spec = {"name": "old", "path": f"azureml://jobs/{run}/outputs/artifacts/paths/model"}
    answer(context, "model.create", CreateAsset(spec=spec))
    answer(context, "model.archive", AssetVersion(name="old"))
    registered_model.create_registered_model(context, "default", "old", tags={})
    assert version_of(context, run, "old") == "2"


BOMB = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 9)}]\n" for i in range(30))


@pytest.mark.parametrize(
    "said",
    [
        BOMB + "flavors: {sklearn: *a29}", "flavors: " + "[" * 3000, "flavors: {a: 2020-13-45}", "flavors: {1: x}",
        "flavors: {2020-01-01: 1}", "flavors: {a: !!binary aGVsbG8=}", "flavors: &a [*a]", "flavors: 3", "[]", "\0",
        'flavors: {a: "\\0"}', 'flavors: {a: "\\ud800"}', "flavors: {a: .nan}", f"flavors: {{a: {'9' * 5000}}}",
        "flavors: {sklearn: x}\nsignature: 7", "flavors: !!python/object/apply:os.getpid []",
    ],
    ids=range(16),
)  # fmt: skip
def test_sec_06_whatever_stands_beside_a_model_is_only_read(risk: Context, said: str) -> None:
    run = run_with(risk, "odd", "d", auc=1.0)
    (risk.home.artifacts("default", run) / "model/MLmodel").write_text(said)
    version = version_of(risk, run)
    seen = ask(risk, "show", AssetRef(name="risk", version=version)).model_dump()
    assert len(str(seen)) < 20_000


def test_what_a_deployment_runs_is_not_deleted(risk: Context) -> None:
    with risk.db.write() as connection:
        endpoints.add(connection, EndpointRecord("default", "online", "scoring", {}, "Succeeded"))
        plan = {"run": {"model": {"asset": "model:risk:2", "uri": "x"}}}
        endpoints.add_deployment(
            connection, DeploymentRecord("default", "online", "scoring", "blue", {}, "Succeeded", plan=plan)
        )
    for delete in (
        lambda: model_version.delete_model_version(risk, "default", "risk", "2"),
        lambda: registered_model.delete_registered_model(risk, "default", "risk"),
        lambda: answer(risk, "model.delete", AssetVersion(name="risk", version="2")),
        lambda: rename_registered_model(risk, "default", "risk", "other"),
    ):
        with pytest.raises(Conflict) as refused:
            delete()
        assert refused.value.code == "ModelInUse"
        assert "deployment blue" in str(refused.value)


def test_rel_19_a_rename_keeps_rule_approval_and_trail(risk: Context) -> None:
    ask(risk, "promote", Promote(name="risk", version="2", metric="auc"))
    ask(risk, "reject", Decide(name="risk", version="1", reason="unfair"))
    rename_registered_model(risk, "default", "risk", "danger")
    with pytest.raises(Conflict, match="promotion rule"):
        registered_model.set_alias(risk, "default", "danger", "champion", "1")
    assert ask(risk, "promote", Promote(name="danger", version="1")).outcome == "Rejected"
    assert [entry.action for entry in list_audit(risk, ListAudit(name="danger")).items] == ["keep", "rename"]
    assert list_audit(risk, ListAudit(name="risk")).items[0].after == {"name": "danger"}
    registered_model.delete_registered_model(risk, "default", "danger")
    registered_model.create_registered_model(risk, "default", "danger", tags={})
    version = version_of(risk, run_with(risk, "new", "d1", auc=0.1), "danger")
    registered_model.set_alias(risk, "default", "danger", "champion", version)


def test_rel_19_two_at_once_leave_the_best(risk: Context) -> None:
    ask(risk, "promote", Promote(name="risk", version="1", metric="auc"))
    versions = [version_of(risk, run_with(risk, f"r{n}", "d1", auc=0.9 + n / 100)) for n in range(1, 7)]
    failed: list[BaseException] = []

    def promote(version: str) -> None:
        try:
            ask(risk, "promote", Promote(name="risk", version=version))
        except ZaffreError as error:
            failed.append(error)

    threads = [threading.Thread(target=promote, args=(version,)) for version in reversed(versions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert aliases(risk) == {"champion": versions[-1]}


def test_data_of_training_is_not_held_out(risk: Context) -> None:
    version = version_of(risk, run_with(risk, "train", "d9", use="train", auc=0.99))
    assert ask(risk, "promote", Promote(name="risk", version=version, metric="auc")).outcome == "NotMeasured"
    with pytest.raises(NotFound):
        ask(risk, "promote", Promote(name="risk", version=version, metric="auc", data="no-such-data"))
    with pytest.raises(InvalidRequest) as unclear:
        ask(risk, "promote", Promote(name="risk", version="1", alias="other"))
    assert unclear.value.code == "MetricMissing"


def test_approval_has_an_actor_and_a_reason(risk: Context) -> None:
    job = replace(risk, principal=Principal("job merry_falcon", Role.JOB, "default"))
    ask(job, "request_approval", Decide(name="risk", version="2", reason="trained in May"))
    assert ask(risk, "show", AssetRef(name="risk", version="2")).approval["actor"] == "job merry_falcon"
    with pytest.raises(Conflict):
        ask(job, "request_approval", Decide(name="risk", version="2"))
    strict = Promote(name="risk", version="2", metric="auc", require_approval=True)
    assert ask(risk, "promote", strict).outcome == "NotApproved"
    done = ask(risk, "approve", Decide(name="risk", version="2", reason="seen by hand"))
    assert (done.state, done.actor, done.reason) == ("Approved", "owner", "seen by hand")
    assert ask(risk, "promote", strict).moved
    with pytest.raises(InvalidRequest):
        ask(risk, "reject", Decide(name="risk", version="1"))
    ask(risk, "reject", Decide(name="risk", version="1", reason="unfair"))
    with pytest.raises(Conflict) as state:
        ask(risk, "approve", Decide(name="risk", version="1"))
    assert state.value.code == "ApprovalState"
    # The next version of the same number is another one.
    ask(risk, "request_approval", Decide(name="risk", version="1"))
    answer(risk, "model.delete", AssetVersion(name="risk", version="1"))
    spec = {"name": "risk", "version": "1", "path": "azureml://datastores/workspaceblobstore/paths/x"}
    place = risk.home.store("default", "workspaceblobstore") / "x"
    place.mkdir(parents=True)
    (place / "model.txt").write_text("1")
    answer(risk, "model.create", CreateAsset(spec=spec))
    assert ask(risk, "show", AssetRef(name="risk", version="1")).approval["state"] == "None"


def test_one_registry_with_two_doors(risk: Context) -> None:
    """What MLflow registers and what `zaffre model create` registers are the same models."""
    seen = ask(risk, "show", AssetRef(name="risk", version="2"))
    assert (seen.metrics, seen.signature, list(seen.flavors)) == (
        {"auc": 0.9, "rmse": 0.9},
        {"inputs": "[]"},
        ["sklearn"],
    )
    assert seen.lineage["job"] == seen.job_name
    run = run_with(risk, "three", "d1", auc=0.7)
    path = f"azureml://jobs/{run}/outputs/artifacts/paths/model"
    spec = {"name": "risk", "path": path, "stage": "Staging", "type": "mlflow_model", "tags": {"team": "fraud"}}
    answer(risk, "model.create", CreateAsset(spec=spec))
    found, _ = model_version.search_model_versions(risk, "default", filter_text="name = 'risk'")
    assert (found[0].record.version, found[0].run, found[0].stage) == ("3", run, "Staging")
    model_version.transition_stage(risk, "default", "risk", "3", "Production", archive_existing=True)
    assert ask(risk, "show", AssetRef(name="risk")).stage == "Production"
    assert ask(risk, "show", AssetRef(name="risk")).tags == {"team": "fraud", "mlflow.stage": "Production"}
    same = UpdateAsset(name="risk", version="3", tags={"team": "credit", "mlflow.stage": "Staging"})
    assert answer(risk, "model.update", same).tags == {"team": "credit", "mlflow.stage": "Production"}
    listed = answer(risk, "model.list", ListAssets(name="risk", tag="mlflow.stage=Production"))
    assert [item.version for item in listed.items] == ["3"]
    model_version.transition_stage(risk, "default", "risk", "3", "None", archive_existing=False)
    assert ask(risk, "show", AssetRef(name="risk")).tags == {"team": "credit"}
    registered_model.set_alias(risk, "default", "risk", "shadow", "3")
    assert ask(risk, "show", AssetRef(name="risk", label="shadow")).labels == ["shadow"]
    answer(risk, "model.delete", AssetVersion(name="risk"))
    assert registered_model.search_registered_models(risk, "default") == ([], None)


def test_search_is_the_same_on_both_databases(context: Context) -> None:
    run = run_with(context, "r", "d", auc=1.0)
    odd = {'it\'s "a".b[0]': "x", "mlflow.note": "yes"}
    for name in ("b", "A", "c%d"):
        registered_model.create_registered_model(context, "default", name, tags=odd if name == "b" else {})
        for _ in range(12 if name == "b" else 1):
            version_of(context, run, name)
    registered_model.create_registered_model(context, "default", "empty", tags={})
    registered_model.create_registered_model(context, "other", "theirs", tags={})

    def models(filter_text: str | None = None, *orders: str, **page: Any) -> list[str]:
        found, token = registered_model.search_registered_models(
            context, "default", filter_text=filter_text, orders=orders, **page
        )
        return [model.name for model in found] + (["..."] if token else [])

    assert sorted(models()) == ["A", "b", "c%d", "empty"]
    assert models("name LIKE 'c%'") == ["c%d"]
    assert models("name ILIKE 'a'") == ["A"]
    assert models("tags.mlflow.note = 'yes'") == ["b"]
    assert models("tags.`mlflow.prompt.is_prompt` != 'true' AND name IN ('b', 'empty')") == ["b", "empty"]
    assert models("tags.`it's \"a\".b[0]` = 'x'") == ["b"]
    assert models("tags.absent IS NULL AND name = 'empty'") == ["empty"]
    assert models(None, "creation_timestamp ASC", "name", max_results=1)[0] == "b"
    assert models(None, "name DESC", max_results=2) == ["empty", "c%d", "..."]

    def versions(filter_text: str | None = None, *orders: str, **page: Any) -> list[str]:
        found, token = model_version.search_model_versions(
            context, "default", filter_text=filter_text, orders=orders, **page
        )
        return [f"{item.record.name}{item.record.version}" for item in found] + (["..."] if token else [])

    assert len(versions()) == 14
    assert versions("name = 'b' AND version_number > 9", "version_number ASC") == ["b10", "b11", "b12"]
    assert versions(f"run_id = '{run}' AND name = 'A'") == ["A1"]
    assert versions("run_id = 'none'") == []
    assert versions(f"source_path = 'runs:/{run}/model' AND name = 'c%d'") == ["c%d1"]
    assert versions("name = 'b'", "version_number DESC", max_results=2) == ["b12", "b11", "..."]
    with pytest.raises(InvalidRequest):
        versions("name = 'b' OR 1 = 1")


def test_the_trail_is_append_only_in_the_database_itself(risk: Context) -> None:
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises((DBAPIError, ZaffreError), match="append-only"), risk.db.write() as connection:
            connection.execute(text(statement))
    first = list_audit(risk, ListAudit(noun="model", name="risk", max_results=1))
    second = list_audit(risk, ListAudit(noun="model", name="risk", max_results=1, cursor=first.cursor))
    assert (first.items[0].version, second.items[0].version) == ("2", "1")
    with pytest.raises(InvalidRequest):
        list_audit(risk, ListAudit(cursor="x"))
    assert list_audit(risk, ListAudit(workspace="other")).items == []
