"""What can be taken from a rule: each change of a module's source makes one mutant."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

Change = Callable[[ast.AST, int], str | None]

# The kinds of nodes that hold a rule.
CHANGED = (ast.If, ast.IfExp, ast.BoolOp, ast.Compare, ast.Return, ast.FunctionDef, ast.Expr, ast.Assign)
BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's source with one rule less; `what` tells it apart from others also when lines move."""

    what: str
    line: int
    make: Callable[[], str] = field(repr=False)

    @property
    def source(self) -> str:
        return self.make()


def mutants_of(source: str) -> Iterator[Mutant]:
    """Yield each mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    names = _enclosing_names(tree)
    found: list[Mutant] = []
    for position, node in enumerate(ast.walk(tree)):
        if not isinstance(node, CHANGED):
            continue
        for change in CHANGES:
            for variant in range(_variants(change, node)):
                what = change(copy.deepcopy(node), variant)
                if what is not None:
                    make = partial(_source_with, tree, position, change, variant)
                    found.append(Mutant(f"{names.get(node, 'module')}: {what}", node.lineno, make))
    yield from sorted(found, key=lambda mutant: mutant.line)


def _source_with(tree: ast.Module, position: int, change: Change, variant: int) -> str:
    """Return the source with the node at a position changed."""
    mutated = copy.deepcopy(tree)
    change(next(item for index, item in enumerate(ast.walk(mutated)) if index == position), variant)
    return ast.unparse(ast.fix_missing_locations(mutated))


def _enclosing_names(tree: ast.Module) -> dict[ast.AST, str]:
    """Return the function or class that each node stands in."""
    names: dict[ast.AST, str] = {}
    for outer in ast.walk(tree):
        if isinstance(outer, (ast.FunctionDef, ast.ClassDef)):
            names.update(dict.fromkeys(ast.walk(outer), outer.name))
    return names


# Each change alters the node and says what it did; `variant` counts where a node can be changed in several ways.


def _variants(change: Change, node: ast.AST) -> int:
    if change is without_operand and isinstance(node, ast.BoolOp):
        return len(node.values)
    if change is without_rule and isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
        return len(node.value.elts)
    return 1


def without_raise(node: ast.AST, _: int) -> str | None:
    """Never raise what an `if` raises."""
    if not isinstance(node, ast.If) or not any(isinstance(item, ast.Raise) for item in node.body):
        return None
    what = f"no raise if {ast.unparse(node.test)}"
    node.test = ast.Constant(value=False)
    return what


def negated(node: ast.AST, _: int) -> str | None:
    """Decide the other way round."""
    if not isinstance(node, (ast.If, ast.IfExp)):
        return None
    what = f"not {ast.unparse(node.test)}"
    node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
    return what


def without_operand(node: ast.AST, variant: int) -> str | None:
    """Leave one part of an `and` or `or` out."""
    if not isinstance(node, ast.BoolOp):
        return None
    what = f"without `{ast.unparse(node.values[variant])}` in {ast.unparse(node)}"
    node.values.pop(variant)
    if len(node.values) == 1:
        node.values.append(node.values[0])
    return what


def moved_boundary(node: ast.AST, _: int) -> str | None:
    """Include or exclude the edge of a comparison."""
    if not isinstance(node, ast.Compare) or type(node.ops[0]) not in BOUNDARIES:
        return None
    what = f"boundary of {ast.unparse(node)}"
    node.ops[0] = BOUNDARIES[type(node.ops[0])]()
    return what


def swapped_comparison(node: ast.AST, _: int) -> str | None:
    """Answer a question about equality or membership the other way round, where it is returned."""
    if not isinstance(node, ast.Return) or not isinstance(node.value, ast.Compare):
        return None
    what = f"not {ast.unparse(node.value)}"
    node.value = ast.UnaryOp(op=ast.Not(), operand=node.value)
    return what


def empty_check(node: ast.AST, _: int) -> str | None:
    """Let a check say nothing."""
    if not isinstance(node, ast.FunctionDef) or not node.name.lstrip("_").startswith("check_"):
        return None
    node.body = [ast.Pass()]
    return "checks nothing"


def uncalled_check(node: ast.AST, _: int) -> str | None:
    """Do not call a check."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    called = ast.unparse(node.value.func)
    if not called.rpartition(".")[2].lstrip("_").startswith("check"):
        return None
    what = f"no call of {called}"
    node.value = ast.Constant(value=None)
    return what


def without_rule(node: ast.AST, variant: int) -> str | None:
    """Leave one rule out of the list of rules."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return None
    if not any(isinstance(target, ast.Name) and target.id == "CHECKS" for target in node.targets):
        return None
    what = f"CHECKS without {ast.unparse(node.value.elts[variant])}"
    node.value.elts.pop(variant)
    return what


CHANGES: tuple[Change, ...] = (
    without_raise,
    negated,
    without_operand,
    moved_boundary,
    swapped_comparison,
    empty_check,
    uncalled_check,
    without_rule,
)
