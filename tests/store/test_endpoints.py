"""Endpoints and deployments on both databases: guarded changes, history, nothing left behind."""

from __future__ import annotations

import pytest

from zaffre.base.errors import Conflict, NotFound
from zaffre.store import endpoints as store
from zaffre.store.db import Database
from zaffre.store.endpoints import Change, DeploymentRecord, EndpointRecord


def test_whoever_is_late_changes_nothing(database: Database) -> None:
    with database.write() as connection:
        store.add(connection, EndpointRecord("default", "online", "risk", {"name": "risk"}, "Succeeded", secret=b"x"))
        store.add(connection, EndpointRecord("default", "batch", "risk", {"name": "risk"}, "Succeeded"))
        with pytest.raises(Conflict):
            store.add(connection, EndpointRecord("default", "online", "risk", {}, "Succeeded"))
    with database.read() as connection:
        mine, theirs = (store.get(connection, "default", "online", "risk") for _ in range(2))
    with database.write() as connection:
        store.change(connection, theirs, message="theirs")
    with pytest.raises(Conflict, match="somebody else"), database.write() as connection:
        store.change(connection, mine, message="mine")
    with database.read() as connection:
        assert store.get(connection, "default", "online", "risk").message == "theirs"
        assert store.get(connection, "default", "online", "risk").secret == b"x"
        with pytest.raises(NotFound):
            store.get(connection, "other", "online", "risk")


def test_an_endpoint_goes_with_all_that_is_in_it_and_no_other(database: Database) -> None:
    with database.write() as connection:
        for name in ("one", "two"):
            store.add(connection, EndpointRecord("default", "online", name, {}, "Succeeded"))
            record = DeploymentRecord("default", "online", name, "blue", {"name": "blue"}, "Creating", plan={"run": 1})
            store.add_deployment(connection, record)
            store.remember(connection, Change("default", "online", name, "traffic", {}, {"traffic": {"blue": 100}}))
    with database.write() as connection:
        record = store.get_deployment(connection, "default", "online", "one", "blue")
        store.change_deployment(connection, record, grow=True, state="Succeeded")
        assert (record.revision, record.state) == (2, "Succeeded")
        store.remove(connection, "default", "online", "one")
    with database.read() as connection:
        assert [one.endpoint for one in store.deployments_of(connection, "online")] == ["two"]
        assert store.history(connection, "default", "online", "one") == []
        assert store.history(connection, "default", "online", "two")[0].after == {"traffic": {"blue": 100}}
        with pytest.raises(NotFound, match="endpoint one"):
            store.get_deployment(connection, "default", "online", "one", "blue")
