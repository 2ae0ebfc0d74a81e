"""The text or the file of a YAML comes in; its values go out, and for each value the text that was written for it."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sam_seismic.errors import ConfigError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks that editors put at the beginning of a file, and the encodings that they tell."""
_INT, _FLOAT, _STR = (f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "str"))

Keys = tuple[str, ...]


@dataclass(frozen=True)
class YamlValue:
    """A value that was read from YAML.

    Args:
        value: plain data: dicts, lists, texts, numbers, ...; None where the text holds no value.
        node: its nodes, which know the text of each scalar.
    """

    value: Any
    node: yaml.Node | None


@dataclass(frozen=True)
class Written:
    """What was written for the values of a configuration, by their keys.

    Args:
        sources: the keys at which each YAML was put into the configuration, and the YAML; later ones replace.
    """

    sources: tuple[tuple[Keys, YamlValue], ...] = field(default=())

    def text(self, keys: Sequence[str]) -> str | None:
        """The characters of a scalar that stands without quotes and is read as no text; None for anything else."""
        for above, source in reversed(self.sources):
            if tuple(keys[: len(above)]) == above:
                return _plain_text(source.node, keys[len(above) :])
        return None


def read_yaml(path: Path) -> YamlValue:
    """The value of a file, in UTF-8, or in UTF-16 or UTF-32, which some editors and shells write.

    Raises:
        ConfigError: it is not YAML, or is in another encoding; with the line.
    """
    content = path.read_bytes()
    try:
        text = _decoded(content)
    except UnicodeDecodeError as error:
        # Of an encoding without a known mark the lines cannot be told.
        line = f"line {content[: error.start].count(0x0A) + 1}: " if error.encoding == "utf-8" else ""
        raise ConfigError(
            problem=f"{path}: {line}byte 0x{content[error.start]:02x} is not {error.encoding.upper()}",
            fix="save the file in the encoding UTF-8",
        ) from error
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(problem=f"{path}: not valid YAML: {explained(error)}", fix="correct that line") from error


def parse_yaml(text: str) -> YamlValue:
    """The value of a text.

    Raises:
        yaml.YAMLError: it is no YAML, holds a key twice, or a number that people and YAML read differently.
    """
    loader = _StrictLoader(text)
    try:
        node = loader.get_single_node()
        return YamlValue(None if node is None else loader.construct_document(node), node)
    finally:
        loader.dispose()


def explained(error: yaml.YAMLError) -> str:
    """`line 7: the key epochs stands twice`."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what = error.problem or error.context or "cannot be read"
        if r"'\t'" in what:
            what = "a tab, where YAML takes blanks only"
        return f"line {error.problem_mark.line + 1}: {what}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character U+{error.character:04X} cannot stand in YAML"
    return str(error)


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which creates plain values only, without what it takes for something else silently.

    It takes the last of two equal keys, 010 for 8, and 1:30 for 90.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            # The tag tells the text '1' from the number 1.
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value} stands twice", problem_mark=key.start_mark
                )
            if name is not None:
                seen.add(name)
        return node

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """A number of decimal digits, or one that begins with 0x or 0b."""
        digits = node.value.lstrip("+-")
        if ":" in digits or (node.tag == _INT and digits[0] == "0" and digits.strip("0_") and digits[1] not in "xb"):
            read = self.construct_yaml_float(node) if ":" in digits else self.construct_yaml_int(node)
            raise yaml.constructor.ConstructorError(
                problem=f'YAML reads {node.value} as {read:g}: quote it for a text, "{node.value}", or write '
                "the number in decimal digits that do not begin with 0",
                problem_mark=node.start_mark,
            )
        return self.construct_yaml_int(node) if node.tag == _INT else self.construct_yaml_float(node)


_StrictLoader.add_constructor(_INT, _StrictLoader.construct_number)
_StrictLoader.add_constructor(_FLOAT, _StrictLoader.construct_number)


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    # Without a mark, every second byte of mostly ASCII text is 0 in UTF-16.
    even, odd = content[:64:2], content[1:64:2]
    if even and odd and not any(odd):
        return content.decode("utf-16-le")
    if even and odd and not any(even):
        return content.decode("utf-16-be")
    return content.decode("utf-8")


def _plain_text(node: yaml.Node | None, keys: Sequence[str]) -> str | None:
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
            node = node.value[int(key)]
        elif isinstance(node, yaml.MappingNode):
            node = next((below for name, below in node.value if name.value == key), None)
        else:
            return None
    plain = isinstance(node, yaml.ScalarNode) and node.style is None and node.tag != _STR
    return node.value if plain and isinstance(node, yaml.ScalarNode) else None
