"""Whatever comes in, only errors of ours come out."""

import contextlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zaffre.base.errors import ZaffreError
from zaffre.spec import document, kinds, yaml
from zaffre.spec.expression import find, render
from zaffre.spec.override import apply
from zaffre.spec.reference import parse_reference

WORDS = st.sampled_from(
    """
    type command pipeline jobs inputs outputs component environment path mode code compute settings resources trial
    search_space task limits name version tags trigger create_job model uri_folder string default image conda_file
    build distribution instance_count identity services properties data_collector sweep parallel spark automl
    ${{parent.inputs.x}} ${{inputs.x}} azureml:x:1 ./x file:x $schema amlcompute azure_blob
    """.split()
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.dictionaries(WORDS, VALUES, max_size=8), st.sampled_from([None, *kinds.KINDS]))
def test_documents(data, kind):
    with contextlib.suppress(ZaffreError):
        found = document.parse(data, kind=kind)
        dumped = document.dump(found.spec)
        assert document.parse(dumped, kind=found.kind).spec == found.spec or "nan" in str(dumped).lower()


@QUICK
@given(st.text(max_size=60) | VALUES.map(lambda value: json.dumps(value, default=str)))
def test_texts(text):
    with contextlib.suppress(ZaffreError):
        yaml.parse(text, "f")
    yaml.places(text)


@QUICK
@given(st.text(alphabet="ab.[]0='\"{}:$ ", max_size=20), VALUES)
def test_overrides(pair, data):
    with contextlib.suppress(ZaffreError):
        apply(data if isinstance(data, dict) else {}, [pair])


@QUICK
@given(st.text(alphabet="azureml:/@.registries datastores\0%", max_size=40))
def test_references(text):
    with contextlib.suppress(ZaffreError):
        parse_reference(text)


@QUICK
@given(st.text(alphabet="${}[]inputs.ab ", max_size=40))
def test_expressions(text):
    find(text)
    with contextlib.suppress(ZaffreError):
        render(text, {"inputs.a": "1"}.get)
