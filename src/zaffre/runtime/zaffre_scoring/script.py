"""A scoring script: `init()` once, `run(...)` for each request, as the Azure ML inference server calls them.

`run(raw_data)` gets the body as text; with `inference_schema` decorators it gets the values of the JSON body by name;
with `@rawhttp` it gets the request itself and may answer with an `AMLResponse`.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import json
import logging
import os
import sys
import types
from typing import Any, Dict
from urllib.parse import parse_qsl

from . import frames, schema, values
from .values import Answer, BadInput

WRONG = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)  # what conversions raise, and Exception


class Script:
    collects = False  # scripts collect themselves, with azureml.ai.monitoring
    batches = False

    def __init__(self, config: dict[str, Any], failed: type[Exception]) -> None:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        place = os.path.join(config["code"], config["script"])
        folder = os.path.dirname(place)
        for path in (folder, config["code"]):
            if path not in sys.path:
                sys.path.insert(0, path)
        os.chdir(config["code"])
        _shims()
        try:
            module = _module(place)
        except BaseException as error:
            raise failed(str(error)) from error
        if not callable(getattr(module, "init", None)) or not callable(getattr(module, "run", None)):
            raise failed("{} has no functions init() and run()".format(config["script"]))
        inner = getattr(module, "driver_module", None)
        self._run = inner.run if isinstance(inner, types.ModuleType) and hasattr(inner, "run") else module.run
        print("init() begins", flush=True)
        module.init()
        print("init() is complete", flush=True)
        self._look()

    def _look(self) -> None:
        """How `run` wants its input, and what its decorators say about it."""
        parameters = [p for p in inspect.signature(self._run).parameters.values() if p.name != "request_headers"]
        self._with_headers = "request_headers" in inspect.signature(self._run).parameters
        self._parameters = parameters
        self._decorated = False
        described: dict[str, Any] = {}
        try:
            from inference_schema import schema_util  # type: ignore[import-not-found]

            self._decorated = bool(schema_util.is_schema_decorated(self._run))
            if self._decorated:
                described = schema.of_decorators(schema_util, self._run)
        except ImportError:
            pass
        except Exception as error:  # a sample that cannot be described must not keep a model from serving
            print(f"the schema of run() cannot be described: {error}", flush=True)
        self._raw = _raw_wanted()
        self._plain = not (self._raw or self._decorated or self._with_headers)
        self.description = {"http": self._raw or self._with_headers, "kind": "script", **described}

    def score(self, kind: int, payload: bytes) -> Any:
        if kind == frames.HTTP:
            head, body = frames.split_head(payload)
        else:
            head, body = {"method": "POST", "headers": [["content-type", "application/json"]]}, payload
        if self._raw:
            return _result(self._run(_raw_request(head, body)))
        if head["method"] not in ("GET", "POST"):
            return Answer(405, [["allow", "GET, POST"]], b"")
        extra = {"request_headers": dict(head.get("headers", []))} if self._with_headers else {}
        if not self._decorated:
            given = self._text(head, body)
            return _result(self._run(given, **extra) if self._plain or extra else self._run(given))
        body_value = _query(head) if head["method"] == "GET" else values.read(body)
        if not isinstance(body_value, dict):
            raise BadInput("a JSON object is expected, with the keys " + ", ".join(p.name for p in self._parameters))
        arguments = {}
        for parameter in self._parameters:
            value = body_value.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise BadInput(f"a value for `{parameter.name}` is missing")
            arguments[parameter.name] = value
        try:
            return _result(self._run(**arguments, **extra))
        except Exception as error:
            unfit = self._unfit(error)
            if unfit is None:
                raise
            raise unfit from None

    def _unfit(self, error: Exception) -> BadInput | None:
        """What a decorator says of a value that it cannot convert; None for what `run` itself raised."""
        inner = getattr(inspect.unwrap(self._run), "__code__", None)
        if inner is None or not (isinstance(error, WRONG) or type(error) is Exception):
            return None
        name, step = "", error.__traceback__
        while step is not None:
            if step.tb_frame.f_code is inner:
                return None
            if step.tb_frame.f_code.co_name == "_deserialize_input_argument":
                name = str(step.tb_frame.f_locals.get("param_name", ""))
            step = step.tb_next
        text = (str(error).splitlines() or [""])[0][:300]
        return BadInput((f"`{name}`: " if name else "the input does not fit the schema: ") + text)

    @staticmethod
    def _text(head: dict[str, Any], body: bytes) -> str:
        if head["method"] == "GET":
            return json.dumps(_query(head))
        try:
            return str(body, "utf-8")
        except UnicodeDecodeError:
            raise BadInput("the body is not UTF-8") from None


def _module(place: str) -> Any:
    spec = importlib.util.spec_from_file_location("entry_module", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry_module"] = module  # pickles of classes of the script find them
    spec.loader.exec_module(module)
    return module


def _query(head: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for key, text in parse_qsl(head.get("query") or "", keep_blank_values=True):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found.setdefault(key, []).append(value)
    return {key: items[0] if len(items) == 1 else items for key, items in found.items()}


def _result(result: Any) -> Any:
    """A response object as it is, anything else as JSON (a text too: it becomes a JSON string, as in Azure ML)."""
    if hasattr(result, "status_code") and hasattr(result, "get_data"):
        headers = [[str(key), str(value)] for key, value in result.headers.items() if key.lower() != "content-length"]
        return Answer(int(result.status_code), headers, bytes(result.get_data()))
    try:
        return values.write(result)
    except TypeError as error:
        raise TypeError(f"run() gave a value that is not JSON: {error}") from None


# --- raw HTTP ---


class PlainRequest:
    """What scripts use of flask's request, where flask is not installed."""

    def __init__(self, head: dict[str, Any], body: bytes) -> None:
        self.method, self.data = head["method"], body
        self.path = head.get("path", "/score")
        self.query_string = (head.get("query") or "").encode()
        self.full_path = self.path + "?" + (head.get("query") or "")
        self.args = dict(parse_qsl(head.get("query") or "", keep_blank_values=True))
        self.headers = _Headers(head.get("headers", []))
        self.mimetype = self.headers.get("content-type", "").partition(";")[0].strip()
        self.content_type = self.headers.get("content-type")

    def get_data(self, as_text: bool = False, **_given: Any) -> Any:
        return self.data.decode() if as_text else self.data

    @property
    def json(self) -> Any:
        return self.get_json()

    def get_json(self, **_given: Any) -> Any:
        return values.read(self.data)


class _Headers(Dict[str, str]):
    """Names in any case."""

    def __init__(self, pairs: list[list[str]]) -> None:
        super().__init__({key.title(): value for key, value in pairs})

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.title())

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.title(), default)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).title())


class PlainResponse:
    def __init__(
        self,
        message: Any,
        status_code: int = 200,
        response_headers: dict[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        self.status_code, self.run_function_failed = status_code, run_function_failed
        self.headers: dict[str, str] = {"content-type": "application/json" if json_str else "text/html"}
        self.headers.update(response_headers or {})
        text = json.dumps(message) if json_str else message
        self._data = text if isinstance(text, bytes) else str(text).encode()

    def get_data(self) -> bytes:
        return self._data


def _shims() -> None:
    """The modules that raw scripts import, where the inference server is not installed in the environment."""
    try:
        present = importlib.util.find_spec("azureml.contrib.services.aml_request") is not None
    except (ImportError, ValueError):
        present = False
    if present or importlib.util.find_spec("azureml_inference_server_http") is not None:
        return
    asked = types.ModuleType("azureml.contrib.services.aml_request")
    said = types.ModuleType("azureml.contrib.services.aml_response")

    def rawhttp(function: Any) -> Any:
        asked._rawHttpRequested = True  # type: ignore[attr-defined]
        return function

    asked.rawhttp, asked.AMLRequest, asked._rawHttpRequested = rawhttp, PlainRequest, False  # type: ignore[attr-defined]
    said.AMLResponse = PlainResponse  # type: ignore[attr-defined]
    for name in ("azureml", "azureml.contrib", "azureml.contrib.services"):
        if name not in sys.modules:
            try:
                importlib.import_module(name)
            except ImportError:
                package = types.ModuleType(name)
                package.__path__ = []
                sys.modules[name] = package
    sys.modules[asked.__name__], sys.modules[said.__name__] = asked, said


def _raw_wanted() -> bool:
    names = ("azureml.contrib.services.aml_request", "azureml_inference_server_http.api.aml_request")
    return any(getattr(sys.modules.get(name), "_rawHttpRequested", False) for name in names)


def _raw_request(head: dict[str, Any], body: bytes) -> Any:
    try:
        from flask import Request
    except ImportError:
        return PlainRequest(head, body)
    environ = {
        "REQUEST_METHOD": head["method"], "SCRIPT_NAME": "", "PATH_INFO": head.get("path", "/score"),
        "QUERY_STRING": head.get("query") or "", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(len(body)), "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    for key, value in head.get("headers", []):
        name = key.upper().replace("-", "_")
        if name != "CONTENT_LENGTH":
            environ[name if name == "CONTENT_TYPE" else "HTTP_" + name] = value
    return Request(environ)
