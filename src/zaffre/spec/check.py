"""What can be known to be wrong before anything runs."""

from __future__ import annotations

from zaffre.spec.faults import Wrong
from zaffre.spec.form import Form
from zaffre.spec.loading import Loading


def check(spec: Form, loading: Loading) -> list[Wrong]:
    return []
