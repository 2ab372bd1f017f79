"""What the source of a test says of whether it can fail: does it assert, and where?

An assertion in a loop over what the code under test made holds of nothing as well as of all. So
does `assert all(… for … in rows)`. Such an assertion is *hollow*; the others are *solid*.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeGuard

Function = ast.FunctionDef | ast.AsyncFunctionDef

THROUGH = {
    "enumerate", "sorted", "list", "tuple", "set", "reversed", "zip", "product", "combinations",
    "permutations", "pairwise", "frozenset", "dict", "iter", "cycle", "repeat", "batched",
}
"""What has something in it whenever all that it is given has."""
FAILING = {"fail", "raises", "warns", "assume"}
"""What fails besides `assert`: Hypothesis does, where it finds nothing that may be assumed."""
SWALLOWING = {"AssertionError", "Exception", "BaseException"}
"""What catches a failed assertion."""
EMPTY = {"[]", "{}", "()", "set()", "''", "0", "list()", "dict()"}


@dataclass(frozen=True)
class Finding:
    """One test that passes whatever the code under test does."""

    place: str
    test: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line} {self.test}: {self.reason}"


@dataclass(frozen=True)
class Source:
    """One file of tests, and what its names stand for."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {node.name: node for node in ast.walk(self.tree) if is_function(node)}

    @cached_property
    def values(self) -> dict[str, ast.expr]:
        return dict(assigned(self.tree.body))


@dataclass(frozen=True)
class Suite:
    """Every file of tests, so that what a test calls or loops over is found in another file."""

    sources: tuple[Source, ...]
    _known: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def functions(self) -> dict[str, list[tuple[Source, Function]]]:
        found: dict[str, list[tuple[Source, Function]]] = {}
        for source in self.sources:
            for name, function in source.functions.items():
                found.setdefault(name, []).append((source, function))
        return found

    @cached_property
    def values(self) -> dict[str, ast.expr]:
        """Constants by their name, wherever they stand; those of two meanings are left out."""
        found: dict[str, list[ast.expr]] = {}
        for source in self.sources:
            for name, value in source.values.items():
                found.setdefault(name, []).append(value)
        return {name: values[0] for name, values in found.items() if len(values) == 1}

    def asserts(self, source: Source, name: str) -> bool | None:
        """Does a function of the suite assert: solidly (True), hollowly (False), never (None)?"""
        own = source.functions.get(name)
        candidates = [(source, own)] if own else self.functions.get(name, [])
        verdicts = []
        for place, function in candidates:
            key = f"{place.place}::{name}"
            if key not in self._known:
                self._known[key] = False  # what calls itself is not solid by that alone
                kinds = [one.solid for one in assertions(function, source=place, suite=self)]
                if kinds:
                    self._known[key] = any(kinds)
                else:
                    del self._known[key]
                    continue
            verdicts.append(self._known[key])
        return any(verdicts) if verdicts else None


@dataclass(frozen=True)
class Assertion:
    """One place where a test can fail, if it is reached."""

    line: int
    solid: bool


def is_function(node: ast.AST) -> TypeGuard[Function]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Names that statements bind to a value, each with the value."""
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
        elif (
            isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
            and statement.value is not None
        ):
            yield statement.target.id, statement.value


def called(node: ast.AST) -> str:
    """The last name of what is called, or nothing."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def parametrised(function: Function) -> set[str]:
    """Names of the parameters that a decorator gives."""
    found: set[str] = set()
    for decorator in function.decorator_list:
        if called(decorator) == "parametrize" and isinstance(decorator, ast.Call):
            names = decorator.args[0] if decorator.args else None
            if isinstance(names, ast.Constant):
                found |= {name.strip() for name in str(names.value).split(",")}
            elif isinstance(names, ast.Tuple | ast.List):
                found |= {str(one.value) for one in names.elts if isinstance(one, ast.Constant)}
    return found


@dataclass(frozen=True)
class Scope:
    """What the names within one function stand for."""

    values: Mapping[str, ast.expr]
    given: frozenset[str]
    suite: Suite
    source: Source

    def written(self, node: ast.expr, seen: frozenset[str] = frozenset()) -> bool:
        """Was this written in the test, with something in it, and not made by the code?"""
        if isinstance(node, ast.Constant):
            return bool(node.value)
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(
                not isinstance(one, ast.Starred) or self.written(one.value, seen)
                for one in node.elts
            )
        if isinstance(node, ast.Dict):
            return any(
                key is not None or self.written(value, seen)
                for key, value in zip(node.keys, node.values, strict=True)
            )
        if isinstance(node, ast.Name):
            if node.id in seen:
                return False
            if node.id in self.given:
                return True
            value = self.values.get(node.id)
            if value is None:
                value = self.source.values.get(node.id) or self.suite.values.get(node.id)
            return value is not None and self.written(value, seen | {node.id})
        if isinstance(node, ast.BinOp):
            return self.written(node.left, seen) or self.written(node.right, seen)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return all(self.written(one.iter, seen) and not one.ifs for one in node.generators)
        if isinstance(node, ast.IfExp):
            return self.written(node.body, seen) and self.written(node.orelse, seen)
        if isinstance(node, ast.Subscript):
            return self.written(node.value, seen)
        if isinstance(node, ast.Call):
            return self._made_of_written(node, seen)
        return False

    def _made_of_written(self, node: ast.Call, seen: frozenset[str]) -> bool:
        name = called(node)
        if name == "range":
            return all(not isinstance(one, ast.Call) for one in node.args)
        if name in ("items", "values", "keys", "split", "splitlines", "copy") and isinstance(
            node.func, ast.Attribute
        ):
            return self.written(node.func.value, seen)
        if name in THROUGH and node.args:
            strict = any(
                one.arg == "strict" and getattr(one.value, "value", False) is True
                for one in node.keywords
            )
            return (any if strict else all)(self.written(one, seen) for one in node.args)
        return False

    def hollow(self, test: ast.expr) -> bool:
        """Does it hold of nothing, whatever the code under test made of what there is?"""
        if isinstance(test, ast.BoolOp):
            kinds = [self.hollow(one) for one in test.values]
            return all(kinds) if isinstance(test.op, ast.And) else any(kinds)
        if called(test) == "all" and isinstance(test, ast.Call) and test.args:
            return self._over_nothing(test.args[0])
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = test.operand
            if called(inner) == "any" and isinstance(inner, ast.Call) and inner.args:
                return self._over_nothing(inner.args[0])
            return self._over_nothing(inner)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            if isinstance(test.ops[0], ast.Eq) and ast.unparse(test.comparators[0]) in EMPTY:
                return self._over_nothing(test.left)
            if isinstance(test.ops[0], ast.LtE):
                return self._over_nothing(test.left)
        return False

    def _over_nothing(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return False
        return not all(self.written(one.iter) for one in node.generators)


def assertions(function: Function, *, source: Source, suite: Suite) -> list[Assertion]:
    """Every assertion of a function, in the order of its lines."""
    inner = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    loops = {
        name.id for node in ast.walk(function) if isinstance(node, ast.For | ast.comprehension)
        for name in ast.walk(node.target) if isinstance(name, ast.Name)
    }
    scope = Scope(
        {name: value for name, value in assigned(inner) if name not in loops},
        frozenset(parametrised(function)), suite, source,
    )
    return list(_within(function.body, scope=scope, solid=True))


def _within(body: Iterable[ast.stmt], *, scope: Scope, solid: bool) -> Iterator[Assertion]:
    for node in body:
        if isinstance(node, ast.Assert):
            constant = isinstance(node.test, ast.Constant | ast.Tuple)
            yield Assertion(node.lineno, solid and not constant and not scope.hollow(node.test))
        elif isinstance(node, ast.For | ast.AsyncFor):
            sure = scope.written(node.iter)
            yield from _within(node.body, scope=scope, solid=solid and sure)
            yield from _within(node.orelse, scope=scope, solid=solid)
        elif isinstance(node, ast.While):
            sure = isinstance(node.test, ast.Constant)
            yield from _within(node.body, scope=scope, solid=solid and sure)
            yield from _within(node.orelse, scope=scope, solid=solid)
        elif isinstance(node, ast.If):
            yield from _branches([node.body, node.orelse], scope=scope, solid=solid)
        elif isinstance(node, ast.Match):
            yield from _branches([one.body for one in node.cases], scope=scope, solid=solid)
        elif isinstance(node, ast.Try | ast.TryStar):
            kept = not any(swallows(one) for one in node.handlers)
            yield from _within(node.body, scope=scope, solid=solid and kept)
            for handler in node.handlers:
                yield from _within(handler.body, scope=scope, solid=False)
            yield from _within(node.orelse, scope=scope, solid=False)
            yield from _within(node.finalbody, scope=scope, solid=solid)
        elif isinstance(node, ast.With | ast.AsyncWith):
            suppressed = any(called(one.context_expr) == "suppress" for one in node.items)
            for one in node.items:
                yield from _calls(one.context_expr, scope=scope, solid=solid)
            yield from _within(node.body, scope=scope, solid=solid and not suppressed)
        elif isinstance(node, ast.Expr):
            yield from _calls(node, scope=scope, solid=solid)


def _branches(
    bodies: Iterable[list[ast.stmt]], *, scope: Scope, solid: bool
) -> Iterator[Assertion]:
    """Branches assert solidly where each of them does, or leaves nothing to another."""
    found = [list(_within(body, scope=scope, solid=solid)) for body in bodies]
    sure = all(any(one.solid for one in branch) for branch in found)
    for branch in found:
        for one in branch:
            yield Assertion(one.line, one.solid and sure)


def _calls(node: ast.AST, *, scope: Scope, solid: bool) -> Iterator[Assertion]:
    for inner in ast.walk(node):
        name = called(inner)
        if not name:
            continue
        if name in FAILING or name.startswith("assert_") or name == "raise_for_status":
            yield Assertion(inner.lineno, solid)
        elif (verdict := scope.suite.asserts(scope.source, name)) is not None:
            yield Assertion(inner.lineno, solid and verdict)


def swallows(handler: ast.ExceptHandler) -> bool:
    """Does the handler take a failed assertion and go on?"""
    kinds = [] if handler.type is None else [
        one.id for one in ast.walk(handler.type) if isinstance(one, ast.Name)
    ]
    broad = handler.type is None or bool(SWALLOWING & set(kinds))
    return broad and not any(isinstance(one, ast.Raise) for one in ast.walk(handler))


def findings(suite: Suite) -> list[Finding]:
    """Every test that passes on nothing, asserts nothing, or is skipped without a reason."""
    found = []
    for source in suite.sources:
        if not source.place.rsplit("/", 1)[-1].startswith("test_"):
            continue
        for name, function in source.functions.items():
            if not name.startswith("test_"):
                continue
            kinds = assertions(function, source=source, suite=suite)
            if not kinds:
                found.append(Finding(source.place, name, function.lineno, "asserts nothing"))
            elif not any(one.solid for one in kinds):
                found.append(Finding(source.place, name, kinds[0].line, "passes on nothing"))
        found += [
            Finding(source.place, "", node.lineno, "is skipped without a reason")
            for node in unexplained(source.tree)
        ]
    return found


def unexplained(tree: ast.Module) -> Iterator[ast.expr]:
    """Skips and expected failures that give no reason."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        name = called(call)
        has_reason = any(one.arg == "reason" for one in call.keywords)
        if name in ("skip", "skipif", "xfail") and not has_reason and (
            name == "skipif" or not call.args
        ):
            yield call
    within = {id(call.func) for call in calls}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "xfail") and (
            id(node) not in within and ast.unparse(node.value) == "pytest.mark"
        ):
            yield node
