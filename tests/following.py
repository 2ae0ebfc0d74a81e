"""The stderr of a refused command comes in; its fix, and the options that the fix names, go out, to be carried out."""

import re
import shlex

from click.testing import Result


def fix_of(refused: Result) -> str:
    """The fix of a command that was refused."""
    assert refused.exit_code == 2, refused.stdout + refused.stderr
    assert "  fix: " in refused.stderr, refused.stderr
    return refused.stderr.rpartition("  fix: ")[2].partition("\nnote: ")[0].strip()


def settings_in(fix: str) -> list[str]:
    """`--set key=value`, of each that a fix names, as words of a command."""
    found = re.findall(r"--set (\S+=(?:'[^']*'|[^\s;,]+))", fix)
    assert found, fix
    return [word for each in found for word in ("--set", *shlex.split(each))]


def keys_in(fix: str) -> list[str]:
    """`key: value`, of each key that a fix names with a value, as `--set key=value`."""
    found = re.findall(r"((?:data|input|model|train|trainer)\.[a-z_.]+): (\[[^\]]*\]|[^\s;,]+)", fix)
    assert found, fix
    return [word for key, value in found for word in ("--set", f"{key}={value}")]
