"""The filter and order language: text in, clauses out, or an error that says where. MLflow's, and ours above it.

    metrics.acc > 0.9 AND params."model type" LIKE 'tree%' AND attributes.run_id IN ('a', 'b')

Clauses are joined by AND; there is no OR and there are no parentheses but those of IN. What may be asked of each
kind of thing is in `search_grammar`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from zaffre.base import limits
from zaffre.base.errors import Fault, InvalidRequest
from zaffre.core.search_grammar import Entity, Grammar

Value = str | float | int | tuple[str, ...] | None


class Op(StrEnum):
    EQ = "="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"


NUMERIC_OPS = frozenset({Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE})
_ORDERED = frozenset({Op.GT, Op.GE, Op.LT, Op.LE})
TEXT_OPS = frozenset({Op.EQ, Op.NE, Op.LIKE, Op.ILIKE})
LIST_OPS = frozenset({Op.IN, Op.NOT_IN})
NULL_OPS = frozenset({Op.IS_NULL, Op.IS_NOT_NULL})


@dataclass(frozen=True)
class Clause:
    """One comparison. `value` is a tuple for IN and NOT IN, None for IS NULL and IS NOT NULL.

    A parameter compared with a number (`params.depth > 4`) is meant as a number, one with a text as text.
    """

    entity: Entity
    key: str
    op: Op
    value: Value = None


@dataclass(frozen=True)
class Order:
    entity: Entity
    key: str
    ascending: bool = True


_DATASET_KEYS = ("name", "digest", "context")
_SPAN_KEYS = ("name", "type", "status", "content")  # and attributes.<name>
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<name>(?:`[^`]+`|[^\W\d][\w]*)(?:\.(?:`[^`]+`|"[^"]+"|'[^']+'|[\w./:@$%-]+))?)
    | (?P<op><=|>=|!=|<>|==|=|<|>)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int  # 1-based


def parse_filter(text: str | None, grammar: Grammar) -> tuple[Clause, ...]:
    """Raises `InvalidRequest` saying at which character the text cannot be understood, and why."""
    if not text or not text.strip():
        return ()
    return _Parser(text, grammar).clauses()


def parse_order(text: str, grammar: Grammar) -> Order:
    """`metrics.acc DESC`; ascending unless it says otherwise."""
    words = text.strip()
    ascending = True
    wrong = f"Invalid order_by clause '{text:.300}'"
    if match := re.search(r"\s+(asc|desc)$", words, re.IGNORECASE):
        ascending = match[1].lower() == "asc"
        words = words[: match.start()]
    if not words:
        raise _wrong(f"{wrong}: it names no column", grammar)
    entity, key = _column(words, grammar, wrong)
    if entity == "dataset":
        raise _wrong(f"{wrong}: runs cannot be ordered by data sets", grammar)
    if entity in ("span", "feedback", "expectation"):
        raise _wrong(f"{wrong}: traces cannot be ordered by their {entity}s", grammar)
    return Order(entity, key, ascending)


class _Parser:
    def __init__(self, text: str, grammar: Grammar) -> None:
        self.text, self.grammar = text, grammar
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> list[_Token]:
        found, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                place = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                raise self._fail(f"unexpected {self.text[place : place + 12]!r}", place + 1)
            found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
            at = match.end()
        return found

    def clauses(self) -> tuple[Clause, ...]:
        found = [self._clause()]
        while token := self._peek():
            if len(found) == limits.FILTER_COMPARISONS:
                raise self._fail(f"a filter has at most {limits.FILTER_COMPARISONS} comparisons", token.place)
            if token.text.upper() == "OR":
                raise self._fail("OR is not part of the filter language: make two searches", token.place)
            if token.text.upper() != "AND":
                raise self._fail(f"expected AND, found {token.text!r}", token.place)
            self.at += 1
            found.append(self._clause())
        return tuple(found)

    def _clause(self) -> Clause:
        left = self._take("a column such as metrics.acc")
        if left.kind not in ("name", "string"):
            raise self._fail(f"expected a column such as metrics.acc, found {left.text!r}", left.place)
        where = f"Invalid filter at character {left.place}"
        entity, key = _column(left.text, self.grammar, where, left.place)
        op, place = self._operator()
        self._check_operator(entity, key, op, place)
        if op in NULL_OPS:
            return Clause(entity, key, op)
        if op in LIST_OPS:
            return Clause(entity, key, op, self._list())
        value = self._value(entity, key, op)
        if op in _ORDERED and isinstance(value, str):
            raise self._fail(f"Expected numeric value type for '{op}'. Found {value!r}", place)
        return Clause(entity, key, op, value)

    def _operator(self) -> tuple[Op, int]:
        token = self._take("a comparison such as = or LIKE")
        word = token.text.upper()
        if token.kind == "op":
            return {"<>": Op.NE, "==": Op.EQ}.get(word) or Op(word), token.place
        if word in ("LIKE", "ILIKE", "IN"):
            return Op(word), token.place
        if word == "NOT" and self._accept("IN"):
            return Op.NOT_IN, token.place
        if word == "IS":
            negated = self._accept("NOT")
            if self._accept("NULL"):
                return Op.IS_NOT_NULL if negated else Op.IS_NULL, token.place
        raise self._fail(f"expected a comparison such as = or LIKE, found {token.text!r}", token.place)

    def _check_operator(self, entity: Entity, key: str, op: Op, place: int) -> None:
        if self._numeric(entity, key):
            allowed = NUMERIC_OPS | (NULL_OPS if self.grammar.wide else frozenset())
        elif self.grammar.wide and entity != "dataset":
            allowed = TEXT_OPS | LIST_OPS | NULL_OPS | (NUMERIC_OPS if entity == "param" else frozenset())
        elif entity in ("feedback", "expectation"):
            allowed = NUMERIC_OPS | TEXT_OPS | NULL_OPS
        elif entity in ("param", "tag", "metadata"):
            allowed = TEXT_OPS | NULL_OPS
        else:
            allowed = TEXT_OPS | LIST_OPS
        if op not in allowed:
            names = ", ".join(sorted(allowed))
            raise self._fail(f"Invalid comparator '{op}' for {entity} '{key}': it takes {names}", place)

    def _numeric(self, entity: Entity, key: str) -> bool:
        return entity == "metric" or (entity == "attribute" and key in self.grammar.numbers | self.grammar.moments)

    def _value(self, entity: Entity, key: str, op: Op) -> Value:
        token = self._take("a value")
        if self._numeric(entity, key):
            if token.kind == "string" and entity == "attribute" and key in self.grammar.moments:
                return self._moment(token)
            if token.kind != "number":
                raise self._fail(f"Expected numeric value type for {entity} '{key}'. Found {token.text}", token.place)
            return _number(token.text)
        if entity == "param" and self.grammar.wide and token.kind == "number" and op in NUMERIC_OPS:
            return _number(token.text)
        if entity in ("feedback", "expectation") and token.kind == "number":
            return _number(token.text)
        if op not in TEXT_OPS:
            raise self._fail(f"Expected a number after {entity} '{key}' {op}. Found {token.text}", token.place)
        if token.kind != "string":
            raise self._fail(f"Expected a quoted string value for {entity} '{key}'. Found {token.text}", token.place)
        return _unquoted(token.text)

    def _moment(self, token: _Token) -> int:
        """Milliseconds since 1970 of an ISO date or time; without a zone it is UTC."""
        try:
            moment = datetime.fromisoformat(_unquoted(token.text))
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            why = f"expected a date such as '2026-11-01' or '2026-11-01T14:30:00Z', found {token.text}"
            raise self._fail(why, token.place) from None

    def _list(self) -> tuple[str, ...]:
        opening = self._take("a list such as ('a', 'b')")
        if opening.text != "(":
            raise self._fail(f"expected a list such as ('a', 'b'), found {opening.text!r}", opening.place)
        values: list[str] = []
        while True:
            token = self._take("a quoted string")
            if token.kind != "string":
                raise self._fail(f"expected a quoted string in the list, found {token.text!r}", token.place)
            if len(values) == limits.FILTER_LIST:
                raise self._fail(f"a list has at most {limits.FILTER_LIST} values: make several searches", token.place)
            values.append(_unquoted(token.text))
            token = self._take("',' or ')'")
            if token.text == ")":
                return tuple(values)
            if token.text != ",":
                raise self._fail(f"expected ',' or ')', found {token.text!r}", token.place)

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, wanted: str) -> _Token:
        token = self._peek()
        if token is None:
            raise self._fail(f"expected {wanted}, but the text ends", len(self.text) + 1)
        self.at += 1
        return token

    def _accept(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.text.upper() != word:
            return False
        self.at += 1
        return True

    def _fail(self, why: str, place: int) -> InvalidRequest:
        what = f"Invalid filter at character {place}: {why}. The filter is: {self.text[:500]}"
        return _wrong(what, self.grammar, place)


def _column(text: str, grammar: Grammar, where: str, place: int | None = None) -> tuple[Entity, str]:
    """`metrics.acc` -> ("metric", "acc"); a bare name is an attribute."""
    whole = text[1:-1] if _quoted(text) else None
    prefix, dot, rest = text.partition(".")
    entity: Entity
    if whole is not None or not dot:
        entity, key = "attribute", whole if whole is not None else text
    else:
        name = prefix.strip("`")
        if grammar.prefixes.get(name) not in grammar.entities:
            known = ", ".join(sorted(grammar.entities))
            raise _wrong(f"{where}: Invalid entity type '{name}'. Valid entity types are {known}", grammar, place)
        entity, key = grammar.prefixes[name], rest[1:-1] if _quoted(rest) else rest
    if entity == "attribute":
        key = grammar.aliases.get(key, key)
        if key not in grammar.attributes:
            known = ", ".join(sorted(grammar.attributes))
            raise _wrong(f"{where}: Invalid attribute key '{key}' specified. Valid keys are {known}", grammar, place)
    if entity == "dataset" and key not in _DATASET_KEYS:
        known = ", ".join(_DATASET_KEYS)
        raise _wrong(f"{where}: Invalid dataset key '{key}' specified. Valid keys are {known}", grammar, place)
    if entity == "span" and key not in _SPAN_KEYS and not key.startswith("attributes."):
        known = f"{', '.join(_SPAN_KEYS)}, attributes.<name>"
        raise _wrong(f"{where}: Invalid span key '{key}' specified. Valid keys are {known}", grammar, place)
    return entity, key


def _quoted(text: str) -> bool:
    return len(text) >= 2 and text[0] in "`'\"" and text[-1] == text[0] and text[0] not in text[1:-1]


def _unquoted(text: str) -> str:
    mark = text[0]
    return text[1:-1].replace(mark * 2, mark)


def _number(text: str) -> int | float:
    """What no database holds as a whole number (64 bits) is a float, as is what Python would refuse to read."""
    whole = re.fullmatch(r"[-+]?\d{1,18}", text)
    return int(text) if whole else float(text)


def _wrong(message: str, grammar: Grammar, place: int | None = None) -> InvalidRequest:
    faults = () if place is None else (Fault(message, field="filter", column=place),)
    return InvalidRequest(message, code="InvalidFilter", hint=grammar.hint, faults=faults)
