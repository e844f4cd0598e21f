"""Move an alias to a version if that is better than the one which has it; else keep it, and say why."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from zaffre.base.errors import InvalidRequest, NotFound
from zaffre.core.alias import check_alias
from zaffre.core.promotion import Candidate, Goal, HeldOut, Measured, Rule, Verdict, judge
from zaffre.services.assets.show import find
from zaffre.services.audit.record import record as remember
from zaffre.services.context import Context
from zaffre.services.models.alias import KIND, point, version_of
from zaffre.services.models.measured import measured
from zaffre.spec.reference import parse_reference
from zaffre.store import approvals, assets, promotion_rules
from zaffre.store.assets import AssetRecord
from zaffre.store.promotion_rules import AliasRule
from zaffre.wire.models import Compared, Promote, PromotionView


def promote(ctx: Context, request: Promote) -> PromotionView:
    """One transaction: what is compared is what holds when the alias moves.

    Raises `NotFound`, or `InvalidRequest` when neither the request nor the rule of the alias names a metric, or when
    it is not clear which data is the held-out one.
    """
    check_alias(request.alias)
    if request.dry_run:
        with ctx.db.read() as connection:
            return _promote(ctx, connection, request)
    with ctx.db.write() as connection:
        return _promote(ctx, connection, request)


def _promote(ctx: Context, connection: Connection, request: Promote) -> PromotionView:
    record = find(connection, KIND, request)
    name, alias = record.name, request.alias
    there = promotion_rules.get(connection, request.workspace, name, alias, lock=not request.dry_run)
    wanted_rule = _rule(request, there)
    rule = wanted_rule.rule
    challenger = _candidate(connection, record, rule.metric)
    data = _held_out(connection, request.workspace, wanted_rule.data, challenger.measured, request.data is not None)
    old = version_of(connection, request.workspace, name, alias)
    champion = _champion(connection, record, old, rule.metric)
    verdict = judge(rule, challenger, champion, data)
    if not request.dry_run:
        kept = AliasRule(rule, data.name if data and wanted_rule.data else wanted_rule.data)
        _write(ctx, connection, request, record, (there, kept), verdict)
    return PromotionView(
        name=name, alias=alias, moved=verdict.moves and not request.dry_run, outcome=verdict.outcome,
        reason=verdict.reason, metric=rule.metric, goal=rule.goal, min_delta=rule.min_delta,
        data=verdict.data.name if verdict.data else None, challenger=_compared(record.version, verdict.challenger),
        champion=_compared(old, verdict.champion) if old else None,
        version=record.version if verdict.moves and not request.dry_run else old,
    )  # fmt: skip


def _rule(request: Promote, there: AliasRule | None) -> AliasRule:
    """What the request says, over what the rule of the alias says."""
    metric = request.metric or (there.rule.metric if there else None)
    if metric is None:
        raise InvalidRequest(
            f"by which metric? alias {request.alias} of model {request.name} has no rule yet",
            code="MetricMissing",
            hint="--metric auc --goal maximize --data my-test-set:1",
        )
    former = there.rule if there else Rule(metric)
    goal = Goal(request.goal) if request.goal else former.goal
    delta = former.min_delta if request.min_delta is None else request.min_delta
    approval = former.require_approval if request.require_approval is None else request.require_approval
    return AliasRule(Rule(metric, goal, delta, approval), request.data or (there.data if there else None))


def _candidate(connection: Connection, record: AssetRecord, metric: str) -> Candidate:
    state = approvals.get(connection, record.workspace, KIND, record.name, record.version).state
    return Candidate(record.version, measured(connection, record, metric), state)


def _champion(connection: Connection, record: AssetRecord, version: str | None, metric: str) -> Candidate | None:
    """The version that has the alias."""
    if version is None:
        return None
    there = assets.find(connection, record.workspace, KIND, record.name, version)
    return _candidate(connection, there, metric) if there else None


def _held_out(
    connection: Connection, workspace: str, text: str | None, known: Sequence[Measured], must_exist: bool
) -> HeldOut | None:
    """The data that is meant: a data asset, or a data set as a run called it. Raises `NotFound`, `InvalidRequest`."""
    if text is None:
        last = [one for one in known if known and one.job == known[-1].job]
        if len({one.data for one in last}) > 1:
            names = ", ".join(one.data.name for one in last)
            raise InvalidRequest(
                f"job {last[0].job} read {names}: which of them is the held-out data?",
                code="HeldOutDataUnclear",
                hint=f"--data {last[-1].data.name}",
            )
        return None
    for one in known:
        if text in (one.data.name, one.data.name.rpartition(":")[0]) and (one.data.fingerprint or "").startswith(
            "mlflow:"
        ):
            return one.data
    reference = parse_reference(text, "data", bare="asset")
    if reference.kind != "asset":
        return HeldOut(text)
    try:
        record = assets.get(connection, workspace, "data", str(reference.name), reference.version, reference.label)
    except NotFound:
        if must_exist and not any(one.data.name == text for one in known):
            raise
        return HeldOut(text)  # as a run called it
    return HeldOut(f"{record.name}:{record.version}", record.fingerprint)


def _write(
    ctx: Context,
    connection: Connection,
    request: Promote,
    record: AssetRecord,
    rules: tuple[AliasRule | None, AliasRule],
    verdict: Verdict,
) -> None:
    former, rule = rules
    if rule != former and (former or verdict.challenger):  # a metric that nobody measured may be a slip of the pen
        promotion_rules.put(ctx.db, connection, record.workspace, record.name, request.alias, rule)
        before = _said(former) if former else None
        remember(ctx, connection, record.workspace, KIND, record.name, "set-rule",
                 before=before, after={"alias": request.alias, **_said(rule)}, reason=request.reason)  # fmt: skip
    why = f"{verdict.reason}; {request.reason}" if request.reason else verdict.reason
    if verdict.moves:
        point(ctx, connection, record, request.alias, action="promote", reason=why)
    else:
        remember(ctx, connection, record.workspace, KIND, record.name, "keep", version=record.version,
                 after={"alias": request.alias, "outcome": verdict.outcome}, reason=why)  # fmt: skip


def _said(rule: AliasRule) -> dict[str, object]:
    return {**vars(rule.rule), "data": rule.data}


def _compared(version: str, found: Measured | None) -> Compared:
    return Compared(version=version, value=found.value if found else None, job=found.job if found else None)
