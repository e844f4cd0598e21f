"""Answers leave out what is None, so a client must be able to read every view without it."""

from __future__ import annotations

import inspect
import types
import typing

import pytest

from zaffre.wire import assets, content, data, jobs, models, resources, server
from zaffre.wire.operation import View

NOUNS = (assets, content, data, jobs, models, resources, server)
VIEWS = {cls for noun in NOUNS for _, cls in inspect.getmembers(noun, inspect.isclass) if issubclass(cls, View)}


@pytest.mark.parametrize("view", sorted(VIEWS, key=lambda cls: cls.__name__))
def test_what_may_be_none_may_be_absent(view: type[View]) -> None:
    for name, field in view.model_fields.items():
        if typing.get_origin(field.annotation) in (typing.Union, types.UnionType) and type(None) in typing.get_args(
            field.annotation
        ):
            assert not field.is_required(), name
