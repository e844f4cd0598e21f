"""Search runs: filter, order, projection, pages. And count them."""

from __future__ import annotations

from zaffre.base.clock import now_ms
from zaffre.base.errors import Fault, InvalidRequest
from zaffre.core.run_fields import parse_fields
from zaffre.core.run_status import MEANING
from zaffre.core.search_filter import Order, parse_order
from zaffre.core.search_grammar import JOBS
from zaffre.services import cursors
from zaffre.services.context import Context
from zaffre.services.runs.choice import chosen
from zaffre.services.runs.row import rows
from zaffre.store import run_search
from zaffre.store.run_conditions import Conditions
from zaffre.wire.runs import CountRuns, RunCount, RunList, SearchRuns


def search(ctx: Context, request: SearchRuns) -> RunList:
    """Newest first unless ordered otherwise. A run that is added while somebody pages shifts no page.

    Raises `InvalidRequest` for a wrong filter, order, field or cursor.
    """
    orders = _orders(request)
    fields = parse_fields(request.fields)
    digest = cursors.digest_of(request.model_dump(exclude={"cursor", "max_results", "fields"}))
    now, after = now_ms(), None
    build = Conditions(ctx.db.is_sqlite, request.workspace, MEANING, mlflow=False, now=now)
    if request.cursor:
        kinds = [sort.kind for sort in run_search.sorts_of(build, orders)]
        build.now, after = cursors.read(request.cursor, digest, kinds)
    with ctx.db.read() as connection:
        choice = chosen(connection, request)
        found = run_search.search(connection, build, choice, orders, limit=request.max_results + 1, after=after)
        shown = rows(connection, [record for record, _ in found[: request.max_results]], fields, now)
    more = len(found) > len(shown)
    return RunList(items=shown, cursor=cursors.write(digest, build.now, found[len(shown) - 1][1]) if more else None)


def count(ctx: Context, request: CountRuns) -> RunCount:
    build = Conditions(ctx.db.is_sqlite, request.workspace, MEANING, mlflow=False, now=now_ms())
    with ctx.db.read() as connection:
        return RunCount(count=run_search.count(connection, build, chosen(connection, request)))


def _orders(request: SearchRuns) -> list[Order]:
    orders: list[Order] = []
    for text in request.order_by:
        order = parse_order(text, JOBS)
        if any((order.entity, order.key) == (other.entity, other.key) for other in orders):
            what = f"`order_by` names {text!r:.100} twice"
            raise InvalidRequest(what, code="InvalidFilter", faults=[Fault(what, field="order_by")])
        orders.append(order)
    return orders
