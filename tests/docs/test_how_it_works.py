"""Each shape, number of bytes and number of parameters on docs/how-it-works.md is that of the real modules."""

import re
from dataclasses import dataclass
from itertools import chain
from math import prod

import pytest

from sam_seismic.sam import SIZES, attention
from tests.docs import road
from tests.docs.pages import ROOT, rows
from tests.docs.road import PROMPTS, SECTIONS, Shape

PAGE = (ROOT / "docs" / "how-it-works.md").read_text()
DRAWING = ROOT / "docs" / "pictures" / "how-it-works.svg"
SHAPE = r"\[((?:\d+ ?)?[BP]?(?:, (?:\d+ ?)?[BP]?)+|\d+)\]"
CANVASES = ("square", "tight")


@dataclass(frozen=True)
class Facts:
    """What the modules do: shapes by step and canvas, and numbers by what they count."""

    shapes: dict[tuple[str, str], Shape]
    numbers: dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    shapes: dict[tuple[str, str], Shape] = {}
    numbers: dict[tuple[str, str], int] = {}
    for canvas in CANVASES:
        steps = road.prepared(canvas) | road.encoded(canvas) | road.decoded(canvas)
        stored = {"embedding": steps["neck"][1:], "tokens": steps["blocks.0"][1:]}
        shapes |= {(name, canvas): shape for name, shape in (steps | stored).items()}
        shapes["patches", canvas] = steps["patch_embed"][1:3]
        for name, shape in stored.items():
            numbers[name, canvas] = road.stored(tmp_path_factory.mktemp("store"), shape)
        numbers["scores", canvas] = 4 * prod(steps["blocks.2.attn scores"][1:])
    shapes |= {(name, "shape"): shape for name, shape in road.prompted().items()}
    numbers |= {(name, "parameters"): number for name, number in road.parameters().items()}
    numbers["header", "bytes"] = numbers["embedding", "tight"] - 2 * prod(shapes["embedding", "tight"])
    numbers["piece", "bytes"] = 4 * attention.BIAS_CHUNK_SIZE
    return Facts(shapes, numbers)


def shapes_in(text: str) -> list[Shape]:
    """The shapes that stand in a text, for B sections and P prompts."""
    return [tuple(_side(side) for side in found.split(", ")) for found in re.findall(SHAPE, text)]


def numbers_in(text: str) -> list[int]:
    """The numbers of bytes and all numbers with a comma, that stand in a text."""
    plain = re.sub(SHAPE, "", text)
    found = re.findall(r"\b(\d{1,3}(?:,\d{3})+)\b|\b(\d+) bytes", plain)
    return [int((long or short).replace(",", "")) for long, short in found]


def problems(text: str, facts: Facts) -> list[str]:
    """What on the page is not as the modules do it."""
    wrong = []
    for row in rows(text):
        name = row.cells[0].split("`")[1]
        for column, cell in zip(row.header[1:], row.cells[1:], strict=True):
            said, counted = shapes_in(cell), numbers_in(cell)
            if row.header[0] in ("step", "stored") and column in (*CANVASES, "shape"):
                wrong += [] if said == [facts.shapes.get((name, column))] else [f"{name}, {column}: {cell}"]
            if row.header[0] == "stored" and column in CANVASES:
                wrong += [] if counted == [facts.numbers[name, column]] else [f"{name}, {column}: {cell}"]
            if column.startswith("parameters"):
                key = name if row.header[0] == "part" else f"trained: {name}"
                wrong += [] if counted == [facts.numbers[key, "parameters"]] else [f"{name}: {cell}"]
    wrong += [f"no such shape: {shape}" for shape in shapes_in(text) if shape not in facts.shapes.values()]
    wrong += [f"no such number: {number}" for number in numbers_in(text) if number not in facts.numbers.values()]
    return wrong


def test_every_number_on_the_page_is_that_of_the_modules(facts: Facts):
    assert problems(PAGE, facts) == []


def test_every_step_is_on_the_page(facts: Facts):
    told = {row.cells[0].strip("`") for row in rows(PAGE) if row.header[0] in ("step", "stored")}
    assert told == {name for name, _ in facts.shapes} - {"patches", "blocks.0.attn"}


def test_a_wrong_number_anywhere_on_the_page_is_found(facts: Facts):
    """Each side of each shape, and each number of bytes or parameters, made wrong in turn."""
    numbers = [match.span(1) for match in re.finditer(r"(?<![\d,])(\d{1,3}(?:,\d{3})+)(?!\d)", PAGE)]
    for shape in re.finditer(SHAPE, PAGE):
        numbers += [
            (shape.start(1) + side.start(), shape.start(1) + side.end()) for side in re.finditer(r"\d+", shape[1])
        ]
    assert len(numbers) > 150
    for start, end in numbers:
        wrong = f"{int(PAGE[start:end].replace(',', '')) + 1:,}" if "," in PAGE[start:end] else f"9{PAGE[start:end]}"
        assert problems(PAGE[:start] + wrong + PAGE[end:], facts) != [], PAGE[start - 40 : end + 10]


def test_the_facts_in_words_are_true(facts: Facts):
    """Numbers that the sentences name: which blocks, how many patches, how far positions reach."""
    size, shapes = SIZES["vit_b"], facts.shapes
    windowed = ", ".join(str(block) for block in range(size.depth) if block not in size.global_blocks)
    windows, whole = (shapes[f"blocks.{block}.attn.rel_pos_h", "square"][0] // 2 for block in (0, 2))
    rows_shown, columns_shown = (side // attention.WINDOW for side in shapes["blocks.1 without padding", "square"][1:3])
    for words in (
        f"Blocks {_and(windowed)} are *windowed*",
        f"Blocks {_and(', '.join(map(str, size.global_blocks)))} are *global*",
        f"exchange information in {size.depth} blocks",
        f"a vector of {size.width} numbers",
        f"In each of {size.heads} heads",
        f"window of {attention.WINDOW} x {attention.WINDOW} patches",
        f"distance from -{windows} to {windows} patches",
        f"distances from -{whole} to {whole} patches",
        f"{prod(shapes['patches', 'square'])} against {prod(shapes['patches', 'tight'])}",
        f"reduce {size.width} channels to {shapes['neck', 'square'][1]}",
        f"{shapes['mask_decoder.mask_tokens.weight', 'shape'][0]} *mask tokens*",
        f"{shapes['head.hypernetworks.0', 'square'][1]} feature maps",
    ):
        assert words in PAGE
    assert (rows_shown, columns_shown) == (2, 4)
    assert "two rows of four windows" in PAGE


def test_the_drawing_tells_no_other_shape_than_the_page():
    told = [shapes for text in re.findall(r">([^<]+)</text>", DRAWING.read_text()) for shapes in shapes_in(text)]
    assert len(told) >= 10
    assert set(told) <= set(shapes_in(PAGE))


def test_the_page_says_with_which_numbers_it_was_made():
    assert f"{road.SECTION[0]} samples x {road.SECTION[1]} traces" in PAGE
    assert f"a decoder for {len(road.CLASSES)} classes" in PAGE
    assert {SECTIONS, PROMPTS}.isdisjoint(chain.from_iterable(re.findall(r"\[(\d+), ", PAGE)))


def _side(words: str) -> int:
    count, letter = re.fullmatch(r"(\d*) ?([BP]?)", words).groups()  # type: ignore[union-attr]
    return int(count or 1) * {"": 1, "B": SECTIONS, "P": PROMPTS}[letter]


def _and(listed: str) -> str:
    return " and ".join(listed.rsplit(", ", 1))
