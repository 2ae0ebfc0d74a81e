"""The models of the configuration come in; the tables of docs/configuration.md go out: every key of the YAML.

.venv/bin/python scripts/configuration_page.py                                  print them
.venv/bin/python scripts/configuration_page.py --fill docs/configuration.md     put them there
.venv/bin/python scripts/configuration_page.py --fill docs/experiments.md       those of an experiment's YAML there
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sam_seismic.config import Config
from sam_seismic.config.experiment import ExperimentConfig

BEGIN, END = "<!-- keys -->", "<!-- end of keys -->"
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
}
PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`", "null": ""}
PLURALS = {
    "whole number or number": "numbers",
    "text": "texts",
    "number": "numbers",
    "whole number": "whole numbers",
    "path": "paths",
}
Schema = dict[str, Any]


@dataclass
class Page:
    """The tables as they are made.

    Args:
        definitions: of the JSON Schema.
        lines: of the page so far.
        where: of each model, the key that its table was written for.
    """

    definitions: dict[str, Schema]
    lines: list[str] = field(default_factory=list)
    where: dict[str, str] = field(default_factory=dict)

    def section(self, key: str, name: str, kind: str = "") -> None:
        """The table of one model, and those of the models below it.

        Args:
            key: that holds it, dotted; empty for the whole file.
            name: of its definition.
            kind: what chooses it among others under the same key, e.g. `kind: sam`.
        """
        if key and not kind:
            if name in self.where:
                self.lines += [f"### {key}", "", f"The keys of `{self.where[name]}`, with the same defaults.", ""]
                return
            self.where[name] = key
        model = self.definitions[name]
        below: list[tuple[str, list[str]]] = []
        title = key + (f" ({kind})" if kind else "")
        level = "###" if "." in key else "##"
        self.lines += [f"{level} {title or 'Every key'}", "", *_sentences(model.get("description", "")), ""]
        self.lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        needed = model.get("required", [])
        for word, schema in model.get("properties", {}).items():
            dotted = f"{key}.{word}" if key else word
            names = list(_models(schema))
            below += [(dotted, names)] if names else []
            default = "needed" if word in needed else _default(schema, names)
            meaning = " ".join(_sentences(schema.get("description", "") or self._of_model(names)))
            cells = (f"`{dotted}`", _type(schema), default, meaning)
            self.lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        self.lines.append("")
        for dotted, names in below:
            for each in names:
                self.section(_item(dotted, model["properties"][dotted.split(".")[-1]]), each, self._kind(each, names))

    def _of_model(self, names: list[str]) -> str:
        return self.definitions[names[0]].get("description", "").split("\n\n")[0] if len(names) == 1 else ""

    def _kind(self, name: str, names: list[str]) -> str:
        """What tells a model from the others under the same key: the key that has one value only."""
        if len(names) == 1:
            return ""
        words = self.definitions[name].get("properties", {}).items()
        return next((f"{word}: {schema['const']}" for word, schema in words if "const" in schema), name)


def tables(model: type[BaseModel] = Config) -> str:
    """Every key of the YAML: a table for each group of keys."""
    schema = model.model_json_schema()
    page = Page(schema.get("$defs", {}) | {"": schema})
    page.section("", "")
    return "\n".join(page.lines).strip()


def filled(page: str, model: type[BaseModel] = Config) -> str:
    """The page with its tables made anew."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{BEGIN} and {END} belong around the tables"
    return f"{before}{BEGIN}\n{tables(model)}\n{END}{after}"


def main() -> None:
    """Print the tables, or fill a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fill", type=Path, help="replace the tables in this page: docs/configuration.md")
    given = parser.parse_args()
    if given.fill is None:
        print(tables())
    else:
        model = ExperimentConfig if given.fill.name == "experiments.md" else Config
        given.fill.write_text(filled(given.fill.read_text(), model))


def _models(schema: Schema) -> Iterator[str]:
    """The names of the models that a key can hold, alone, one of several, in a list or by name."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for part in (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])):
        yield from _models(part)
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            yield from _models(schema[inner])
    for named in schema.get("patternProperties", {}).values():
        yield from _models(named)


def _item(key: str, schema: Schema) -> str:
    """The key of what a list or a mapping holds."""
    for part in (schema, *schema.get("anyOf", [])):
        if isinstance(part.get("additionalProperties"), dict) or "patternProperties" in part:
            return f"{key}.NAME"
        if part.get("type") == "array" and list(_models(part)):
            return f"{key}[]"
    return key


def _type(schema: Schema) -> str:
    """`whole number, at least 1`."""
    if parts := [_type(part) for part in (*schema.get("anyOf", []), *schema.get("oneOf", []))]:
        return " or ".join(dict.fromkeys(part for part in parts if part))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{_yaml(word)}`" for word in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema or "allOf" in schema:
        return "keys, see below"
    if schema.get("type") in ("array", "object"):
        return _list_type(schema) if schema["type"] == "array" else _mapping_type(schema)
    bounds = [words.format(_yaml(schema[bound])) for bound, words in BOUNDS.items() if bound in schema]
    plain = "path" if schema.get("format") == "path" else PLAIN.get(schema.get("type", ""), "anything")
    return ", ".join([plain, *bounds])


def _mapping_type(schema: Schema) -> str:
    names = schema.get("propertyNames", {}).get("enum")
    return "keys " + ", ".join(f"`{name}`" for name in names) if names else "keys by name"


def _list_type(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])} {_type(schema['prefixItems'][0])}s"
    inner = _type(schema.get("items", {}))
    return f"list of {PLURALS.get(inner, inner)}"


def _default(schema: Schema, names: list[str]) -> str:
    """The value that a key has when it is left out; of keys that hold keys, those have their own."""
    if "default" not in schema:
        return ""
    if names and isinstance(schema["default"], dict):
        chooser = schema.get("discriminator", {}).get("propertyName", "")
        return f"`{chooser}: {schema['default'][chooser]}`" if chooser in schema["default"] else ""
    return "nothing" if schema["default"] is None else f"`{_yaml(schema['default'])}`"


def _yaml(value: Any) -> str:
    """A value as one writes it in YAML."""
    return value if isinstance(value, str) else json.dumps(value)


def _sentences(text: str) -> list[str]:
    """The paragraphs of a docstring, each on one line."""
    return [line for line in " ".join(text.replace("\n\n", "\v").split()).replace("\v", "\n").split("\n") if line]


if __name__ == "__main__":
    main()
