"""Messages never send a user to an option, a command or a key that does not exist, and each fix was followed by a test.

That a fix helps in its situation is for the test of that situation, which says so with the mark `follows`: the file of
the fix, and a part of its text. Here each fix that names something to carry out has such a test.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from sam_seismic.cli import app
from tests.docs.pages import ROOT
from tests.fix_texts import KEY, OPTION, PACKAGE, Package, marks, naming

COMMAND = re.compile(r"(?:`|: |run |\n *)sam-seismic ([a-z]+)")
FILES = {"data.pkl", "data.zip", "model.json"}
OTHER_PROGRAMS = {
    "--cpus-per-task", "--export", "--gpus-per-node", "--kill-on-bad-exit", "--no-requeue", "--nodes", "--ntasks",
    "--ntasks-per-node", "--open-mode", "--parsable", "--requeue", "--shm-size", "--signal", "--unsquash",
}  # fmt: skip
"""Options of Slurm, Docker and Apptainer that messages or job scripts name."""


def texts() -> Iterator[tuple[str, str]]:
    """Each text in the package that is no docstring, with its file and line; what is filled in becomes `{}`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            where = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                yield (
                    where,
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inner:
                yield where, node.value


def commands_below(command: Any) -> dict[str, Any]:
    """The commands of a group, by name; of a command, none. Typer has a Click of its own, without public types."""
    return getattr(command, "commands", {})


def options(command: Any) -> set[str]:
    """The options of a command and of all below it."""
    own = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return own.union(*map(options, commands_below(command).values()))


TEXTS = list(texts())


def test_every_option_that_is_named_exists():
    known = options(get_command(app)) | OTHER_PROGRAMS | {"--help", "--install-completion", "--show-completion"}
    named = {option: where for where, text in TEXTS for option in OPTION.findall(text)}
    assert len(named) > 30
    assert {option: where for option, where in named.items() if option not in known} == {}


def test_every_command_that_is_named_exists():
    known = commands_below(get_command(app))
    named = {word: where for where, text in TEXTS for word in COMMAND.findall(text)}
    assert {"inspect", "weights"} <= named.keys()
    assert {word: where for word, where in named.items() if word not in known} == {}


def test_every_key_that_is_named_exists():
    page = (ROOT / "docs" / "configuration.md").read_text()
    known = set(KEY.findall(page))
    known |= {key.replace("data.read.", "data.read_labels.") for key in known}  # which the page tells once
    named = {key: where for where, text in TEXTS for key in KEY.findall(text)}
    assert len(named) > 30
    assert {key: where for key, where in named.items() if key not in known | FILES} == {}


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (OPTION, "add --overwrite, or --set train.epochs=3; a--b is none", ["--overwrite", "--set"]),
        (COMMAND, "run `sam-seismic inspect FILE`", ["inspect"]),
        (
            KEY,
            "lower train.batch_size (data.read.axes), not other.data.x or data.py/",
            ["train.batch_size", "data.read.axes"],
        ),
    ],
)
def test_names_are_found_in_messages(pattern: re.Pattern[str], text: str, found: list[str]):
    assert pattern.findall(text) == found


FIXES = naming(Package().fixes())


def test_fixes_are_found_wherever_they_are_made():
    """As an argument, a name, a constant of another module, a part of a list, and by a function."""
    found = {(each.file, each.text) for each in FIXES}
    assert len(found) > 120
    assert {
        ("cli/embed.py", "give one of --config FILE, --list and --prune DAYS"),
        ("runs/run_folder.py", "--resume to go on with that run, "),
        ("runs/devices.py", "use --device cpu, or leave it out"),
        ("runs/finite_numbers.py", "--set trainer.gradient_clip_val=1"),
        ("sam/weights/download.py", "export {}=FOLDER"),
        ("survey/catalog/known.py", "sam-seismic data fetch {}"),
    } <= found


def test_each_fix_that_names_something_is_followed_by_a_test():
    """Which provokes its message, and then carries out what the message names."""
    followed = {each for mark in marks() for each in mark.among(FIXES)}
    assert [f"{each.file}:{each.line}: {each.text}" for each in FIXES if each not in followed] == []


def test_each_mark_stands_for_one_fix():
    """A text that was changed, or a fragment of several ones, would say nothing."""
    assert [mark for mark in marks() if len(mark.among(FIXES)) != 1] == []
