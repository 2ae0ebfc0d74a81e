"""What refusals of SEG-Y files, labels and weights advise is carried out on the command line and in YAML, and works."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import Result

from sam_seismic.config import load_config
from sam_seismic.errors import SurveyError
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import OFFICIAL, OfficialWeights, official_path, read_weights
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.labels.sample_match import match_samples
from sam_seismic.survey.segy import SegyVolume, write_segy
from sam_seismic.tasks.building import prepare
from tests.cli.running import Made, configured, invoke
from tests.cli.test_bad_input import rewritten
from tests.following import fix_of, keys_in, settings_in
from tests.sam.test_weights import PUBLISHED, write_constant_checkpoint
from tests.shop import Shop, open_shop
from tests.survey.segy_files import Parts, changed, cube, grid, smooth

ONE_EPOCH = ("--set", "train.epochs=1")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """30 traces of 40 IEEE samples: 400 bytes each."""
    write_segy(tmp_path / "plain.sgy", smooth((6, 5, 40)), grid())
    return tmp_path / "plain.sgy"


def inspected(path: Path, *options: str) -> list[int]:
    """The shape of a file, read so."""
    result = invoke("inspect", path, "--json", *options)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["shape"]


def in_yaml(path: Path, *settings: str) -> SegyVolume:
    """A file as a configuration with these settings reads it."""
    overrides = [f"data.amplitude={path}", f"data.labels={path}", "data.classes=[a, b]", *settings]
    (path.parent / "empty.yaml").write_text("data: {source: files, amplitude: a, labels: l, classes: [a, b]}\n")
    config = load_config(path.parent / "empty.yaml", overrides)
    return SegyVolume(path, config.data.read.segy)


def unnumbered(parts: Parts) -> None:
    parts.set_field(189, 0)
    parts.set_field(193, 0)


def moved(inline: int, crossline: int) -> Callable[[Parts], None]:
    def move(parts: Parts) -> None:
        numbers = parts.field(189), parts.field(193)
        unnumbered(parts)
        parts.set_field(inline, numbers[0])
        parts.set_field(crossline, numbers[1])

    return move


@pytest.mark.follows("survey/segy/reader.py", "--format {} (YAML: data.read.segy.format: {})")
def test_floats_of_the_other_format(plain: Path):
    changed(plain, lambda parts: parts.set_binary(3225, 1))
    fix = fix_of(invoke("inspect", plain))
    option, key = re.fullmatch(r"(--format \w+) \(YAML: (.*)\)", fix).groups()  # type: ignore[union-attr]
    assert inspected(plain, *option.split()) == [6, 5, 40]
    assert np.array_equal(cube(in_yaml(plain, *keys_in(key)[1::2])), smooth((6, 5, 40)))


@pytest.mark.follows(
    "survey/segy/reader.py", "check the file; to read it all the same: --format {} (YAML: data.read.segy"
)
def test_amplitudes_without_sense(plain: Path):
    def noise(parts: Parts) -> None:
        parts.traces[:, 240:] = np.random.default_rng(0).integers(0, 256, (30, 160))

    fix = fix_of(invoke("inspect", changed(plain, noise)))
    option, key = re.search(r"(--format \w+) \(YAML: (.*)\)", fix).groups()  # type: ignore[union-attr]
    assert inspected(plain, *option.split()) == [6, 5, 40]
    assert in_yaml(plain, *keys_in(key)[1::2]).geometry.shape == (6, 5, 40)


@pytest.mark.follows(
    "survey/segy/layout.py", "--format or --endian (YAML: data.read.segy.format, data.read.segy.endian)"
)
@pytest.mark.follows("survey/segy/layout.py", "export it as IEEE float (5), or name the right format if the header is")
def test_a_format_that_is_not_named_or_not_read(plain: Path):
    whole = plain.read_bytes()
    changed(plain, lambda parts: parts.set_binary(3225, 0))
    assert "--format or --endian" in fix_of(invoke("inspect", plain))
    assert inspected(plain, "--format", "ieee") == [6, 5, 40]
    assert in_yaml(plain, "data.read.segy.format=ieee").geometry.shape == (6, 5, 40)
    changed(plain, lambda parts: parts.set_binary(3225, 4))
    assert inspected(plain, *fix_of(invoke("inspect", plain)).rpartition(": ")[2].split()) == [6, 5, 40]
    plain.write_bytes(whole)
    assert "--format or --endian" in fix_of(invoke("inspect", plain, "--endian", "little"))
    assert inspected(plain, "--endian", "big") == [6, 5, 40]
    assert in_yaml(plain, "data.read.segy.endian=big").geometry.shape == (6, 5, 40)


@pytest.mark.follows(
    "survey/segy/refusals.py", "name others, or none and let them be found: --inline-byte, --crossline-byte"
)
@pytest.mark.follows("survey/segy/refusals.py", "(YAML: data.read.segy.inline_byte, data.read.segy.crossline_byte)")
def test_positions_that_hold_no_line_numbers(plain: Path):
    fix = fix_of(invoke("inspect", plain, "--inline-byte", "181", "--crossline-byte", "185"))
    options = re.findall(r"--[a-z-]+", fix)
    assert inspected(plain, options[0], "189", options[1], "193") == [6, 5, 40]
    assert inspected(plain) == [6, 5, 40]
    keys = re.findall(r"data\.[a-z_.]+", fix)
    assert in_yaml(plain, f"{keys[0]}=189", f"{keys[1]}=193").geometry.shape == (6, 5, 40)


@pytest.mark.follows("survey/segy/refusals.py", "--inline-byte {} --crossline-byte {} {}")
def test_positions_that_look_like_gathers(plain: Path):
    def shots(parts: Parts) -> None:
        moved(9, 13)(parts)
        parts.set_field(37, np.tile(np.arange(5) * 25, 6))

    fix = fix_of(invoke("inspect", changed(plain, shots)))
    assert inspected(plain, *re.search(r"--inline-byte \d+ --crossline-byte \d+", fix)[0].split()) == [6, 5, 40]  # type: ignore[index]


@pytest.mark.follows(
    "survey/segy/refusals.py", "number its lines {}; if other bytes hold line numbers, name them: --inline-byte"
)
@pytest.mark.follows("survey/segy/refusals.py", "by the order of the traces: --traces-per-line {} for a single line")
def test_a_line_that_nothing_numbers(tmp_path: Path):
    path, line = tmp_path / "a.sgy", Geometry.complete([0], range(501, 510), 20)
    write_segy(path, smooth((1, 9, 20)), line, crossline_byte=21)
    fix = fix_of(invoke("inspect", path))
    assert inspected(path, *re.search(r"--traces-per-line \d+", fix)[0].split()) == [1, 9, 20]  # type: ignore[index]
    assert inspected(path, "--traces-per-line", "3") == [3, 3, 20]
    assert inspected(path, "--inline-byte", "189", "--crossline-byte", "21") == [1, 9, 20]
    volume = in_yaml(path, re.search(r"\(YAML: (data\.[a-z_.]+)\)", fix)[1] + "=9")  # type: ignore[index]
    assert volume.geometry.crosslines.tolist() == list(range(501, 510))


@pytest.mark.follows("survey/segy/refusals.py", "number its lines by its coordinates, {}: --grid-from-coordinates")
def test_a_grid_that_coordinates_alone_tell(plain: Path):
    inline, crossline = np.divmod(np.arange(30), 5)

    def rotated(parts: Parts) -> None:
        unnumbered(parts)
        parts.set_field(181, 600_000 + 20 * crossline + 10 * inline)
        parts.set_field(185, 6_000_000 - 10 * crossline + 20 * inline)

    fix = fix_of(invoke("inspect", changed(plain, rotated)))
    assert inspected(plain, re.search(r"--grid-[a-z-]+", fix)[0]) == [6, 5, 40]  # type: ignore[index]
    assert inspected(plain, "--traces-per-line", "5") == [6, 5, 40]
    assert np.array_equal(cube(in_yaml(plain, "data.read.segy.grid_from_coordinates=true")), smooth((6, 5, 40)))
    assert fix == fix_of(invoke("inspect", plain, "--inline-byte", "21", "--crossline-byte", "5"))


@pytest.mark.follows("survey/segy/refusals.py", "give a number that divides them, as --traces-per-line {}, or all of")
def test_lines_of_unequal_length(plain: Path):
    fix = fix_of(invoke("inspect", changed(plain, unnumbered), "--traces-per-line", "4"))
    near, single = re.findall(r"--traces-per-line \d+", fix)
    assert inspected(plain, *near.split()) == [10, 3, 40]
    assert inspected(plain, *single.split()) == [1, 30, 40]
    assert in_yaml(plain, "data.read.segy.traces_per_line=5").geometry.shape == (6, 5, 40)


@pytest.mark.follows("survey/segy/layout.py", "copy the file again; to read its {} whole traces: --tail drop")
def test_a_file_that_ends_inside_a_trace(plain: Path):
    plain.write_bytes(plain.read_bytes()[:-100])
    fix = fix_of(invoke("inspect", plain))
    assert inspected(plain, *re.search(r"--tail \w+", fix)[0].split()) == [6, 5, 40]  # type: ignore[index]
    assert in_yaml(plain, keys_in(fix)[1].rstrip(")")).geometry.live.sum() == 29


@pytest.mark.follows("survey/segy/layout.py", "--samples {} (YAML: data.read.segy.samples)")
def test_more_samples_than_16_bits_count(tmp_path: Path):
    path = tmp_path / "long.sgy"
    write_segy(path, smooth((2, 2, 40)), grid(2, 2, 40))
    parts = Parts.of(path, 400)
    parts.set_binary(3221, 70_000 & 0xFFFF, "u2")
    parts.set_field(115, 70_000 & 0xFFFF, "u2")
    stored = smooth((2, 2, 70_000)).reshape(4, -1).astype(">f4").view(np.uint8)
    parts.traces = np.concatenate([parts.traces[:, :240], stored], axis=1)
    fix = fix_of(invoke("inspect", parts.save(path)))
    option, key = re.fullmatch(r"(--samples \d+) \(YAML: (.*)\)", fix).groups()  # type: ignore[union-attr]
    assert inspected(path, *option.split()) == [2, 2, 70_000]
    assert in_yaml(path, f"{key}=70000").geometry.samples == 70_000


@pytest.mark.follows("survey/segy/layout.py", "give it, --samples 1500 (YAML: data.read.segy.samples), correct the")
@pytest.mark.follows(
    "survey/segy/layout.py", "if it is complete, name its sample format, byte order or sample count: {}"
)
def test_a_sample_count_that_is_not_there_or_wrong(plain: Path):
    for count in (0, 37):

        def counted(parts: Parts, count: int = count) -> None:
            parts.set_binary(3221, count)
            parts.set_field(115, count, "i2")

        assert "--samples" in fix_of(invoke("inspect", changed(plain, counted)))
        assert inspected(plain, "--samples", "40") == [6, 5, 40]
        assert in_yaml(plain, "data.read.segy.samples=40").geometry.shape == (6, 5, 40)


@pytest.mark.follows("survey/labels/sample_match.py", "; if the headers of a SEG-Y are wrong, give the right times: ")
@pytest.mark.parametrize("wrong", ["start", "sample_interval"])
def test_labels_at_other_times_by_a_wrong_header(plain: Path, wrong: str):
    """Of the labels, or of the amplitudes."""
    labels = plain.with_name("labels.sgy")
    shutil.copy(plain, labels)

    def mistimed(parts: Parts) -> None:
        if wrong == "start":
            parts.set_field(109, 5000, "i2")
        parts.set_binary(3217, 4000 if wrong == "start" else 2000)

    right = {"start": 0, "sample_interval": 4}[wrong]
    with pytest.raises(SurveyError) as caught:
        match_samples(SegyVolume(plain), SegyVolume(changed(labels, mistimed)))
    key = f"data.read_labels.segy.{wrong}"
    assert key in caught.value.fix
    read = load_config(in_yaml(plain).path.with_name("empty.yaml"), [f"{key}={right}"]).data.read_labels
    assert read is not None
    assert match_samples(SegyVolume(plain), SegyVolume(labels, read.segy)).tolist() == list(range(40))
    key = f"data.read.segy.{wrong}"
    assert key in caught.value.fix
    assert match_samples(in_yaml(labels, f"{key}={right}"), SegyVolume(plain)).tolist() == list(range(40))


@pytest.mark.follows("survey/segy/refusals.py", "say which trace of a place to read: --duplicates first|last")
def test_traces_of_one_place(plain: Path):
    """Repeated ones, and those whose line numbers are elsewhere."""
    numbered = Parts.of(plain, 400)

    def twice(parts: Parts) -> None:
        parts.set_field(9, numbered.field(189))
        parts.set_field(21, numbered.field(193))
        parts.traces[17, 188:196] = parts.traces[4, 188:196]

    fix = fix_of(invoke("inspect", changed(plain, twice), "--inline-byte", "189", "--crossline-byte", "193"))
    assert fix == fix_of(invoke("inspect", plain, "--inline-byte", "189"))
    for which in re.search(r"--duplicates (\S+)", fix)[1].split("|"):  # type: ignore[index]
        assert inspected(plain, "--inline-byte", "189", "--duplicates", which) == [6, 5, 40]
        volume = in_yaml(plain, "data.read.segy.inline_byte=189", f"data.read.segy.duplicates={which}")
        assert len(volume.repeats) == 1
    bytes_ = re.search(r"--inline-byte \d+ --crossline-byte \d+", fix)[0].split()  # type: ignore[index]
    assert inspected(plain, *bytes_) == [6, 5, 40]


# labels and amplitudes


@pytest.mark.follows(
    "survey/facies.py", "add the missing classes to data.classes, give data.label_values, or list values"
)
def test_a_value_that_is_no_class(made: Made, tmp_path: Path):
    """As the sixth of five classes, under another number, and as nothing."""
    names = yaml.safe_load(made.config.read_text())["data"]["classes"]
    nines = rewritten(made.labels, tmp_path, lambda traces: np.where(traces == 5, 9, traces))

    def trained(name: str, **data: object) -> Result:
        config = configured(made, tmp_path / f"{name}.yaml", **data)
        return invoke("train", "--config", config, "--output", tmp_path / name, *ONE_EPOCH)

    fix = fix_of(trained("five", classes=names[:5]))
    assert fix_of(trained("nine", labels=str(nines))).endswith(fix)
    for name, data in {
        "added": {"classes": names},
        "valued": {"labels": str(nines), "label_values": [0, 1, 2, 3, 4, 9]},
        "left out": {"classes": names[:5], "ignore_values": [5, 255]},
    }.items():
        result = trained(name, **data)
        assert result.exit_code == 0, result.stderr


@pytest.mark.follows(
    "data/amplitude.py", "check the file with `sam-seismic inspect`, or choose other lines in data.split"
)
def test_training_lines_of_one_amplitude(made: Made, tmp_path: Path):
    def half(traces: np.ndarray) -> np.ndarray:
        traces[: 20 * 32] = 0
        return traces

    path = rewritten(made.amplitude, tmp_path, half)
    split = {"regions": {"train": {"inlines": [100, 115]}, "val": {"inlines": [130, 139]}}}
    dead = configured(made, tmp_path / "dead.yaml", amplitude=str(path), split=split)
    words = fix_of(invoke("train", "--config", dead, "--output", tmp_path / "run", *ONE_EPOCH)).split("`")[1].split()
    assert invoke(*words[1:], path).exit_code == 0
    split["regions"]["train"] = {"inlines": [121, 128]}
    live = configured(made, tmp_path / "live.yaml", amplitude=str(path), split=split)
    result = invoke("train", "--config", live, "--output", tmp_path / "run", *ONE_EPOCH)
    assert result.exit_code == 0, result.stderr


@pytest.mark.follows(
    "inspection/amplitude_comparison.py", "check the file with `sam-seismic inspect`: nothing tells its"
)
def test_a_volume_of_one_amplitude(made: Made, tmp_path: Path):
    path = rewritten(made.amplitude, tmp_path, np.zeros_like)
    command = ("predict", "--checkpoint", made.best, "--input", path, "--output", tmp_path / "f.sgy")
    words = fix_of(invoke(*command)).split("`")[1].split()
    shown = invoke(*words[1:], path, "--json")
    assert shown.exit_code == 0, shown.stderr


@pytest.mark.follows("tasks/facies.py", "choose other lines in data.split")
def test_validation_lines_without_labels(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Labels are looked at before a training; this is the net below."""

    def unlabelled(traces: np.ndarray) -> np.ndarray:
        traces[30 * 32 :] = -1
        return traces

    labels = rewritten(made.labels, tmp_path, unlabelled)
    split = {"regions": {"train": {"inlines": [100, 112]}, "val": {"inlines": [131, 139]}}}
    values = {"labels": str(labels), "ignore_values": [-1]}
    monkeypatch.setattr("sam_seismic.workflows.train.check_training_labels", lambda *_, **__: ())
    command = ("train", "--output", tmp_path / "run", *ONE_EPOCH, "--config")
    assert "data.split" in fix_of(invoke(*command, configured(made, tmp_path / "a.yaml", split=split, **values)))
    split["regions"]["val"] = {"inlines": [116, 128]}
    result = invoke(*command, configured(made, tmp_path / "b.yaml", split=split, **values))
    assert result.exit_code == 0, result.stderr


@pytest.mark.follows("inspection/labels.py", "give the configuration of this survey, or its data.label_values")
@pytest.mark.follows("inspection/volume.py", "leave --config out; if these are labels, add --labels")
def test_labels_and_their_configuration(made: Made, tmp_path: Path):
    """Values that are not those of the configuration, and labels of so many values that they look like amplitudes."""
    mask = rewritten(made.labels, tmp_path, lambda traces: traces + 20)
    assert "data.label_values" in fix_of(invoke("inspect", mask, "--config", made.config))
    own = configured(made, tmp_path / "own.yaml", label_values=[20, 21, 22, 23, 24, 25])
    assert invoke("inspect", mask, "--config", own).exit_code == 0
    assert invoke("inspect", made.labels, "--config", made.config).exit_code == 0
    many = np.arange(4 * 5 * 60, dtype=np.int16).reshape(4, 5, 60)
    np.save(tmp_path / "many.npy", many)
    words = ("inspect", tmp_path / "many.npy", "--axes", "inline,crossline,sample")
    fix = fix_of(invoke(*words, "--config", made.config))
    assert fix == "leave --config out; if these are labels, add --labels"
    assert invoke(*words).exit_code == 0
    assert invoke(*words, "--config", made.config, "--labels").exit_code == 0


# weights


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Offers a file with the names and shapes of the published ViT-B as that file; no weights are here yet."""
    from tests.sam.conftest import manifest  # noqa: PLC0415

    path = write_constant_checkpoint(manifest(*PUBLISHED["vit_b"]), tmp_path / "offered.pth")
    with open_shop(monkeypatch) as opened:
        opened.content = path.read_bytes()
        address = f"http://127.0.0.1:{opened.port}/b.pth"
        offer = OfficialWeights("b.pth", address, hashlib.sha256(opened.content).hexdigest(), len(opened.content))
        monkeypatch.setitem(OFFICIAL, "vit_b", offer)
        monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(tmp_path / "weights"))
        yield opened


def fetched(fix: str) -> Path:
    """Run the `sam-seismic weights fetch` of a fix; the file that it got."""
    words = re.search(r"sam-seismic (weights fetch \w+)", fix)[1].split()  # type: ignore[index]
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    return official_path(words[-1])


@pytest.mark.follows("sam/weights/official.py", "sam-seismic weights fetch {}, or set model.weights to the path of {}")
@pytest.mark.follows("sam/weights/official.py", "choose one of {}, or train from random weights: model.weights: random")
@pytest.mark.usefixtures("shop")
def test_official_weights_that_are_not_there(made: Made, tmp_path: Path):
    command = ("train", "--config", made.config, "--output", tmp_path / "run", *ONE_EPOCH, "--set")
    path = fetched(fix_of(invoke(*command, "model={size: vit_b}")))
    assert read_weights(path).content.size == "vit_b"
    assert load_config(made.config, ["model.size=vit_b", f"model.weights={path}"]).model.weights == path
    fix = fix_of(invoke("weights", "fetch", "vit_t"))
    assert invoke("weights", "fetch", fix.removeprefix("choose one of ").partition(",")[0]).exit_code == 0
    result = invoke(*command, "model={size: vit_t}", *keys_in(fix))
    assert result.exit_code == 0, result.stderr


@pytest.mark.follows(
    "sam/weights/plain.py", "sam-seismic weights fetch vit_b gets a published one; for another file set"
)
@pytest.mark.follows("sam/weights/plain.py", "give a SAM of Meta's architecture: sam-seismic weights fetch vit_b gets")
@pytest.mark.follows("sam/weights/refusals.py", "sam-seismic weights fetch vit_b gets a published one")
@pytest.mark.usefixtures("shop")
def test_files_that_hold_no_sam(made: Made, tmp_path: Path):
    """One that is not there, one of another network, and a pickle of yet another one."""
    torch.save({"image_encoder.patch_embed.seq.0.c.weight": torch.ones(2)}, tmp_path / "mobile.pt")
    (tmp_path / "fast.pt").write_bytes(b"\x80\x02cultralytics.nn.tasks\nSegmentationModel\nq\x00.")
    fixes = {fix_of(invoke("weights", "verify", tmp_path / name)) for name in ("none.pth", "mobile.pt", "fast.pt")}
    assert len(fixes) == 3
    for fix in fixes:
        shutil.rmtree(tmp_path / "weights", ignore_errors=True)
        path = fetched(fix)
        assert invoke("weights", "verify", path).exit_code == 0
    assert load_config(made.config, ["model.size=vit_b", f"model.weights={path}"]).model.weights == path


@pytest.mark.follows("sam/weights/download.py", "export {}=FOLDER")
@pytest.mark.usefixtures("shop")
def test_a_folder_for_weights_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "weights").touch()
    fix = fix_of(invoke("weights", "fetch", "vit_b"))
    name = re.search(r"export (\w+)=FOLDER", fix)[1]  # type: ignore[index]
    monkeypatch.setenv(name, str(tmp_path / "FOLDER"))
    assert invoke("weights", "fetch", "vit_b").exit_code == 0
    assert (tmp_path / "FOLDER" / "b.pth").is_file()


@pytest.mark.follows("sam/weights/refusals.py", "set model.size: {}, or choose the weights of {}")
def test_weights_of_another_size(made: Made, tmp_path: Path):
    torch.save(build_sam("vit_t").state_dict(), tmp_path / "tiny.pth")
    model = ("--set", f"model={{size: vit_b, encoder: full, weights: {tmp_path / 'tiny.pth'}}}")
    command = ("train", "--config", made.config, "--output", tmp_path / "run", *ONE_EPOCH, *model)
    result = invoke(*command, *keys_in(fix_of(invoke(*command))))
    assert result.exit_code == 0, result.stderr


@pytest.mark.follows(
    "sam/weights/refusals.py", "--set model.init_from={} --set model.weights=null starts a training from it"
)
@pytest.mark.follows(
    "tasks/checkpoint.py", "give RUN/checkpoints/best.ckpt; weights of SAM itself go into model.weights"
)
def test_checkpoints_and_weights_in_each_others_place(made: Made, tmp_path: Path):
    fix = fix_of(invoke("weights", "verify", made.best))
    assert prepare(load_config(made.config, settings_in(fix)[1::2])).start
    torch.save(build_sam("vit_t").state_dict(), tmp_path / "sam.pth")
    command = ("eval", "--device", "cpu", "--checkpoint")
    fix = fix_of(invoke(*command, tmp_path / "sam.pth"))
    assert invoke(*command, made.run / fix.split("RUN/")[1].partition(";")[0]).exit_code == 0
    assert prepare(load_config(made.config, [f"model.weights={tmp_path / 'sam.pth'}"])).task.metadata.weights_hash
