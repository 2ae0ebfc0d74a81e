"""docs/configuration.md has every key of the YAML, as the models of the configuration have it."""

from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from sam_seismic.config import Config, parse_config
from sam_seismic.config.experiment import ExperimentConfig
from scripts.configuration_page import BEGIN, filled, tables
from tests.docs.pages import ROOT, fences, rows

PAGE = (ROOT / "docs" / "configuration.md").read_text()
AGAIN = ".venv/bin/python scripts/configuration_page.py --fill docs/configuration.md"


def test_the_tables_are_those_of_the_models():
    assert filled(PAGE) == PAGE, f"make them anew: {AGAIN}"
    assert AGAIN in PAGE


def test_the_tables_of_experiments_are_those_of_their_models():
    page = (ROOT / "docs" / "experiments.md").read_text()
    assert filled(page, ExperimentConfig) == page, (
        f"make them anew: {AGAIN.replace('configuration.md', 'experiments.md')}"
    )
    keys = [row for row in rows(tables(ExperimentConfig)) if row.header == ("key", "type", "default", "meaning")]
    assert len(keys) > 15
    assert [row.cells[0] for row in keys if not row.cells[1] or not row.cells[3]] == []


def test_every_key_has_a_type_and_a_meaning():
    keys = [row for row in rows(tables()) if row.header == ("key", "type", "default", "meaning")]
    assert len(keys) > 60
    assert [row.cells[0] for row in keys if not row.cells[1] or not row.cells[3]] == []


def test_every_key_of_a_dumped_configuration_is_on_the_page():
    """By another way than the schema: what `config.yaml` in a run folder holds."""
    config = parse_config({"data": {"source": "synthetic"}}, "")
    told = {row.cells[0].strip("`") for row in rows(PAGE)}
    dumped = set(_dotted(config.model_dump(mode="json")))
    assert {"data.split.guard", "train.learning_rate", "output"} <= dumped
    assert dumped <= told


def test_defaults_are_those_of_the_models():
    told = {row.cells[0].strip("`"): row.cells[2].strip("`") for row in rows(tables())}
    config = Config.model_validate({"data": {"source": "synthetic"}})
    assert yaml.safe_load(told["train.learning_rate"]) == config.train.learning_rate
    assert yaml.safe_load(told["input.side"]) == config.input.side
    assert told["data"] == "needed"
    assert told["data.classes"] == "nothing"
    assert told["trainer.precision"] == config.trainer.precision


def test_the_configuration_by_example_is_valid():
    (text,) = (text for kind, text in fences("docs/configuration.md") if kind == "yaml")
    assert parse_config(yaml.safe_load(text), "configuration.md").model.size == "vit_b"


def test_text_around_the_tables_stays():
    page = f"before\n{BEGIN}\nof last year\n<!-- end of keys -->\nafter\n"
    assert filled(page) == f"before\n{BEGIN}\n{tables()}\n<!-- end of keys -->\nafter\n"


class Small(BaseModel):
    """A small one."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: Literal["small"] = "small"
    """Which one."""
    side: int = Field(default=3, ge=1, lt=10)
    """Its side."""


class Large(BaseModel):
    """A large one."""

    kind: Literal["large"]
    many: list[Small] = []


class Both(BaseModel):
    one: Annotated[Small | Large, Field(discriminator="kind")] = Small()
    name: Literal["a|b"] | None = None
    named: dict[str, Small] = {}


def test_a_key_that_holds_one_of_several_kinds_has_a_table_for_each():
    found = [row.cells for row in rows(tables(Both))]
    assert ("`one`", "keys, see below", "`kind: small`", "") in found
    assert ("`one.side`", "whole number, at least 1, less than 10", "`3`", "Its side.") in found
    assert ("`one.kind`", "`large`", "needed", "") in found
    assert ("`name`", "`a\\|b`", "nothing", "") in found
    headings = [line for line in tables(Both).splitlines() if line.startswith("#")]
    assert headings == [
        *("## Every key", "## one (kind: small)", "## one (kind: large)"),
        *("### one.many[]", "### named.NAME"),
    ]


def _dotted(tree: dict[str, object], above: str = "") -> list[str]:
    found = []
    for key, value in tree.items():
        found.append(above + key)
        if isinstance(value, dict):
            found += _dotted(value, f"{above}{key}.")
    return found
