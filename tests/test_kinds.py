"""Unions of the configuration and tables of classes have the same kinds; kinds without options are one word."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from sam_seismic.config import LossConfig, NetworkConfig
from sam_seismic.config.base import Kinds, Model, models_of, word_of
from sam_seismic.config.encoder import EncoderConfig, EncoderKind
from sam_seismic.config.model import HeadConfig, NetworkKind
from sam_seismic.networks import NETWORKS
from sam_seismic.networks.heads import HEADS
from sam_seismic.tasks.losses import LOSSES
from sam_seismic.tuning.methods import METHODS

TABLES = [(NetworkConfig, NETWORKS), (HeadConfig, HEADS), (EncoderConfig, METHODS), (LossConfig, LOSSES)]


@pytest.mark.parametrize(("union", "table"), TABLES, ids=["networks", "heads", "methods", "losses"])
def test_each_kind_of_the_configuration_is_in_its_table(union: Any, table: dict[str, type]):
    """Otherwise a kind could be configured but not built, or the reverse."""
    assert [word_of(model) for model in models_of(union)] == list(table)
    assert len(set(table.values())) == len(table)


def test_kinds_are_subclasses_of_their_base():
    assert all(issubclass(model, NetworkKind) for model in models_of(NetworkConfig))
    assert all(issubclass(model, EncoderKind) for model in models_of(EncoderConfig))


class Plain(Model):
    kind: Literal["plain"] = "plain"


class Sized(Model):
    kind: Literal["sized"] = "sized"
    size: int


ONE = TypeAdapter(Annotated[Plain, Kinds()])
TWO = TypeAdapter(Annotated[Plain | Sized, Kinds()])
DEFAULTED = TypeAdapter(Annotated[Plain | Sized, Kinds(default="sized")])


def test_a_kind_is_chosen_by_its_name():
    for adapter in (ONE, TWO):
        assert adapter.validate_python("plain") == adapter.validate_python({"kind": "plain"}) == Plain()
    assert TWO.validate_python({"kind": "sized", "size": 3}) == Sized(size=3)
    assert TWO.validate_python(Sized(size=3)) == Sized(size=3)
    assert DEFAULTED.validate_python({"size": 3}) == Sized(size=3)
    assert DEFAULTED.validate_python("plain") == Plain()


@pytest.mark.parametrize(
    ("adapter", "value", "error"),
    [
        (TWO, "none", "union_tag_invalid"),
        (TWO, {"size": 3}, "union_tag_not_found"),
        (TWO, "sized", "missing"),
        (TWO, {"kind": "plain", "size": 3}, "extra_forbidden"),
        (DEFAULTED, {}, "missing"),
        (ONE, "none", "literal_error"),
    ],
)
def test_an_unknown_kind_is_refused(adapter: TypeAdapter[Any], value: object, error: str):
    with pytest.raises(ValidationError) as found:
        adapter.validate_python(value)
    assert [problem["type"] for problem in found.value.errors()] == [error]


def test_the_schema_has_the_short_spelling_of_kinds_that_need_no_options():
    for adapter, words in ((ONE, ["plain"]), (TWO, ["plain"])):
        schema = adapter.json_schema()
        short = next(part for part in schema["anyOf"] if "$ref" not in part)
        assert short.get("enum", [short.get("const")]) == words
    assert {part.get("$ref") for part in TWO.json_schema()["anyOf"]} >= {"#/$defs/Plain", "#/$defs/Sized"}
