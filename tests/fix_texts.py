"""The source of the package comes in; the texts of its fixes go out, each with its file.

A fix is what is given as `fix=` or as the second argument of an error, and what is assigned to, or made by, something
that is called so. Where a fix is made of names and calls, the texts that are assigned to these names, or made in these
functions, belong to it, too.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import sam_seismic

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
KEY = re.compile(r"(?<![\w./-])(?:data|input|model|train|trainer)\.[a-z_]+(?:\.[a-z_]+)*(?![\w(/])")
PACKAGE, TESTS = Path(sam_seismic.__file__).parent, Path(__file__).parent
COMMAND = re.compile(r"(?<![\w/.-])sam-seismic (?!into |that )[a-z]+")
SHELL = re.compile(
    r"(?<!\w)(?:export \S+=|ulimit -|pip install |cd [A-Z]|SAM_SEISMIC_[A-Z]+|TMPDIR|\$[A-Z]+|\w+=\S+ sam-seismic)"
)
NAMING = (OPTION, COMMAND, KEY, SHELL)
"""What a fix names that can be carried out: an option, a command, a key, and a command or a variable of the shell."""
ALONE = re.compile(rf"\s*--set\s*|--[a-z-]+|{KEY.pattern}|SAM_SEISMIC_[A-Z]+")
"""A name that is a part of another text, or of a list in one."""
CALLED = re.compile(r"(?:.*_)?(?:fix|fixes|remedies|elsewhere|how|lighter|smaller|to_freeze)")
"""Names of what holds or makes fixes."""


@dataclass(frozen=True)
class FixText:
    """A text of a fix.

    Args:
        file: where it stands, from the folder of the package.
        line: there.
        text: what is filled in stands as `{}`.
    """

    file: str
    line: int = field(compare=False)
    text: str


class Module:
    """A parsed module of the package."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text())

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """Module of each name that is imported from the package."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom) and node.module]
        return {each.asname or each.name: str(node.module) for node in found for each in node.names}


class Package:
    """All modules of the package, and the fixes in them."""

    def __init__(self) -> None:
        self.modules = {path: Module(path) for path in sorted(PACKAGE.rglob("*.py"))}

    def fixes(self) -> set[FixText]:
        found: set[FixText] = set()
        for module in self.modules.values():
            for scope, node in _scoped(module.tree, module.tree):
                for fix in _fixes_of(node):
                    found |= self._texts(fix, module, node if isinstance(node, ast.FunctionDef) else scope, set())
        return found

    def _texts(self, node: ast.AST, module: Module, scope: ast.AST, seen: set[int]) -> set[FixText]:
        """The texts below a node, and those of what it names."""
        if id(node) in seen:
            return set()
        seen.add(id(node))
        found: set[FixText] = set()
        filled = [each for each in ast.walk(node) if isinstance(each, ast.JoinedStr)]
        inner = {id(part) for each in filled for part in ast.walk(each) if part is not each}
        for each in ast.walk(node):
            text = isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Constant) and isinstance(each.value, str))
            if text and id(each) not in inner:
                found.add(FixText(str(module.path.relative_to(PACKAGE)), each.lineno, _written(each)))
            elif isinstance(each, ast.Name):
                for where, below, value in self._named(each.id, module, scope):
                    found |= self._texts(value, where, below, seen)
        return found

    def _named(self, name: str, module: Module, scope: ast.AST) -> Iterator[tuple[Module, ast.AST, ast.AST]]:
        """What a name stands for: values that it was assigned, or what a function makes."""
        local = list(_assigned(name, scope)) if scope is not module.tree else []
        if local:
            yield from ((module, scope, value) for value in local)
        elif name in module.functions:
            function = module.functions[name]
            yield from ((module, function, value) for value in _made(function))
        elif name in module.imports:
            other = self._module(module.imports[name])
            if other is not None and other is not module:
                yield from self._named(name, other, other.tree)
        else:
            yield from ((module, module.tree, value) for value in _assigned(name, module.tree, deep=False))

    def _module(self, dotted: str) -> Module | None:
        path = PACKAGE.joinpath(*dotted.split(".")[1:]) if dotted.startswith("sam_seismic") else None
        if path is None:
            return None
        return self.modules.get(path.with_suffix(".py")) or self.modules.get(path / "__init__.py")


def _scoped(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """All nodes below one, each with the function that it stands in, or the module."""
    for child in ast.iter_child_nodes(node):
        yield scope, child
        yield from _scoped(child, child if isinstance(child, ast.FunctionDef) else scope)


def _fixes_of(node: ast.AST) -> Iterator[ast.AST]:
    """The fixes that a node gives or makes."""
    if isinstance(node, ast.FunctionDef) and CALLED.fullmatch(node.name):
        yield from _made(node)
    elif isinstance(node, ast.Call):
        yield from (each.value for each in node.keywords if each.arg and CALLED.fullmatch(each.arg))
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name.endswith(("Error", "FileKind")):
            yield from node.args[1:2]
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [each for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        if node.value is not None and any(CALLED.fullmatch(each.id) for each in names):
            yield node.value


def _assigned(name: str, scope: ast.AST, *, deep: bool = True) -> Iterator[ast.AST]:
    """The values that a name is assigned in a scope, or that are appended to it."""
    for node in ast.walk(scope) if deep else ast.iter_child_nodes(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _unpacked(target, node.value, name)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
            yield from _unpacked(node.target, node.value, name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.append":
            yield from node.args


def _unpacked(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.AST]:
    """What a name gets of a value that is assigned to a target."""
    if isinstance(target, ast.Name):
        yield from [value] if target.id == name else []
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, part in zip(target.elts, value.elts, strict=True):
            yield from _unpacked(each, part, name)
    elif isinstance(target, ast.Tuple) and name in {each.id for each in target.elts if isinstance(each, ast.Name)}:
        yield value


def _made(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What a function returns or yields."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield node.value


def _written(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def naming(fixes: set[FixText]) -> list[FixText]:
    """Those that name something that can be carried out."""
    named = {each for each in fixes if any(pattern.search(each.text) for pattern in NAMING)}
    named -= {each for each in named if ALONE.fullmatch(each.text)}
    return sorted(named, key=lambda each: (each.file, each.line))


@dataclass(frozen=True)
class Mark:
    """A mark of a test: it follows a fix in a file of the package, which has this text, or alone there this fragment.

    Args:
        test: file and line of the mark.
        file: as of `FixText`.
        fragment: what is filled in stands as `{}`.
    """

    test: str
    file: str
    fragment: str

    def among(self, fixes: Iterable[FixText]) -> list[FixText]:
        """The fixes that it may stand for: one, unless the mark is stale or the fragment says too little."""
        near = [each for each in fixes if each.file == self.file and self.fragment in each.text]
        return [each for each in near if each.text == self.fragment] or near


def meets(fragment: str, fix: str) -> bool:
    """Whether a fix, as a user reads it, holds the fragment of a mark."""
    return re.search(re.sub(r"\\\{\w*\\\}", ".*", re.escape(fragment)), fix, re.DOTALL) is not None


def marks() -> list[Mark]:
    """All marks `follows` of the tests."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.follows":
                file, fragment = (ast.literal_eval(each) for each in node.args)
                found.append(Mark(f"{path.relative_to(TESTS)}:{node.lineno}", file, fragment))
    return found
