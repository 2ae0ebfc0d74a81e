"""Loading of weights: matching files are loaded, mismatches are reported, and code in a file is never executed."""

import hashlib
import pickle
from pathlib import Path

import pytest
import torch

from sam_seismic.errors import WeightsError
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import (
    OFFICIAL,
    OfficialWeights,
    file_hash,
    load_weights,
    official_path,
    read_weights,
    verify,
    weights_folder,
)

PUBLISHED = {
    "vit_b": (768, 12, 12, (2, 5, 8, 11)),
    "vit_l": (1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": (1280, 32, 16, (7, 15, 23, 31)),
}


@pytest.fixture(scope="module")
def trained():
    torch.manual_seed(1)
    return build_sam("vit_t")


@pytest.fixture
def checkpoint(trained, tmp_path):
    path = tmp_path / "vit_t.pth"
    torch.save(trained.state_dict(), path)
    return path


def have_equal_weights(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    theirs = b.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in a.state_dict().items())


def write_constant_checkpoint(shapes: dict[str, tuple[int, ...]], path: Path) -> Path:
    """Write a small file with these names and shapes: each tensor is one number, expanded."""
    torch.save({name: torch.full((1,), 0.5).expand(shape) for name, shape in shapes.items()}, path)
    return path


def test_a_checkpoint_is_loaded(trained, checkpoint):
    """Every tensor of the file is in the network afterwards."""
    assert have_equal_weights(build_sam("vit_t", checkpoint), trained)
    assert have_equal_weights(build_sam("vit_t", str(checkpoint)), trained)


def test_a_checkpoint_with_the_published_names_loads_into_vit_b(published_shapes, tmp_path):
    """A file with the names and shapes of Meta's ViT-B is loaded by `build_sam`."""
    path = write_constant_checkpoint(published_shapes(*PUBLISHED["vit_b"]), tmp_path / "b.pth")
    sam = build_sam("vit_b", path)
    assert all((tensor == 0.5).all() for tensor in sam.state_dict().values())


def test_a_file_of_the_old_format_loads(trained, tmp_path):
    """Before PyTorch 1.6 files were plain pickles, which cannot be memory-mapped."""
    path = tmp_path / "old.pth"
    torch.save(trained.state_dict(), path, _use_new_zipfile_serialization=False)
    assert have_equal_weights(build_sam("vit_t", path), trained)


@pytest.mark.parametrize("size", PUBLISHED)
def test_the_size_is_found_from_the_shapes(size, published_shapes, tmp_path):
    path = write_constant_checkpoint(published_shapes(*PUBLISHED[size]), tmp_path / "a.pth")
    content = read_weights(path, values=False).content
    assert (content.size, content.notes()) == (size, [])


def test_weights_of_another_size_are_refused_with_the_key_to_change(published_shapes, tmp_path):
    path = write_constant_checkpoint(published_shapes(*PUBLISHED["vit_l"]), tmp_path / "l.pth")
    with pytest.raises(WeightsError) as caught:
        build_sam("vit_t", path)
    assert caught.value.problem == f"{path}: holds vit_l, but vit_t was asked for"
    assert "set model.size: vit_l" in caught.value.fix


def test_names_and_shapes_that_do_not_match_are_listed_and_nothing_is_loaded(trained, tmp_path):
    """A mismatch is an error with a count and the first names, never a partial load."""
    state = dict(trained.state_dict())
    for i in range(4):
        del state[f"image_encoder.blocks.{i}.attn.qkv.weight"]
    state["mask_decoder.mask_tokens.weight"] = torch.zeros(6, 256)
    path = tmp_path / "wrong.pth"
    torch.save(state, path)
    torch.manual_seed(2)
    sam = build_sam("vit_t")
    before = {name: tensor.clone() for name, tensor in sam.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_weights(sam, path)
    lines = caught.value.problem.splitlines()
    assert lines[0] == f"{path}: not the weights of a SAM"
    assert lines[1].startswith("  4 missing: image_encoder.blocks.0.attn.qkv.weight, ")
    assert lines[1].endswith(", ...")
    assert lines[2] == "  1 of another shape: mask_decoder.mask_tokens.weight [6, 256] instead of [4, 256]"
    assert all(torch.equal(tensor, before[name]) for name, tensor in sam.state_dict().items())


class Malicious:
    """Creates the file `mark` when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("form", ["zip", "bare"])
def test_a_file_that_would_run_code_is_refused_without_running_it(tmp_path, form):
    """A checkpoint from the internet must not execute code."""
    path, mark = tmp_path / "evil.pth", tmp_path / "mark"
    if form == "zip":
        torch.save({"image_encoder.pos_embed": Malicious(mark)}, path)
    else:
        path.write_bytes(pickle.dumps({"state_dict": Malicious(mark)}, protocol=2))
    with pytest.raises(WeightsError, match="it was not run"):
        build_sam("vit_t", path)
    with pytest.raises(WeightsError, match="it was not run"):
        verify(path)
    assert not mark.exists()


def test_a_missing_file_is_reported_with_the_command_to_fetch_it(tmp_path):
    with pytest.raises(WeightsError, match=r"nowhere\.pth: there is no such weights file") as caught:
        build_sam("vit_b", tmp_path / "nowhere.pth")
    assert "sam-seismic weights fetch vit_b" in caught.value.fix


def test_a_file_without_read_permission_is_reported(checkpoint, monkeypatch):
    """For example the file of another user on a shared disk."""
    monkeypatch.setattr("os.access", lambda *_: False)  # root can read files of any mode
    with pytest.raises(WeightsError, match=r"vit_t\.pth: may not be read"):
        build_sam("vit_t", checkpoint)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_file_is_reported_as_damaged(checkpoint, share):
    """An incomplete copy has another message than a file that is no checkpoint."""
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    with pytest.raises(WeightsError, match="damaged: it ends early") as caught:
        build_sam("vit_t", checkpoint)
    assert "again" in caught.value.fix


def test_a_truncated_file_of_the_old_format_is_refused(trained, tmp_path):
    path = tmp_path / "old.pth"
    torch.save(trained.state_dict(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:5_000_000])
    with pytest.raises(WeightsError, match=r"old\.pth"):
        build_sam("vit_t", path)


@pytest.mark.parametrize("content", [torch.zeros(3), {}, {"epoch": 3}, [torch.zeros(1)]])
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match="holds no state dict"):
        build_sam("vit_t", path)


def test_verify_recognises_official_files_by_their_hash(checkpoint, monkeypatch):
    """The SHA-256 of the whole file decides, not the name or the size."""
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert file_hash(checkpoint) == sha256
    found = verify(checkpoint)
    assert (found.content.size, found.sha256, found.official) == ("vit_t", sha256, False)
    monkeypatch.setitem(OFFICIAL, "vit_b", OfficialWeights("b.pth", "https://example.org/b.pth", sha256, 1))
    assert verify(checkpoint).official


def test_verify_reports_a_missing_file(tmp_path):
    with pytest.raises(WeightsError, match="there is no such weights file"):
        verify(tmp_path / "nowhere.pth")


def test_the_official_files_have_the_published_names_and_urls():
    """Names contain the first digits of the MD5; hashes are complete SHA-256s and differ."""
    assert {size: weights.file for size, weights in OFFICIAL.items()} == {
        "vit_b": "sam_vit_b_01ec64.pth",
        "vit_l": "sam_vit_l_0b3195.pth",
        "vit_h": "sam_vit_h_4b8939.pth",
    }
    for weights in OFFICIAL.values():
        assert weights.address == f"https://dl.fbaipublicfiles.com/segment_anything/{weights.file}"
        assert len(bytes.fromhex(weights.sha256)) == 32
    assert len({weights.sha256 for weights in OFFICIAL.values()}) == 3


def test_file_sizes_agree_with_the_numbers_of_parameters():
    """Four bytes per parameter, and less than 300 kB for names: detects a typing error in a size."""
    counts = {"vit_b": 93_735_472, "vit_l": 312_342_832, "vit_h": 641_090_608}
    for size, count in counts.items():
        assert 0 < OFFICIAL[size].size_bytes - 4 * count < 300_000


def test_the_weights_folder_is_the_environment_variable_then_the_local_folder_then_the_cache(tmp_path, monkeypatch):
    """Environment and working directory are read at the call, not at import."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAM_SEISMIC_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert weights_folder() == tmp_path / "cache" / "sam-seismic" / "weights"
    (tmp_path / "weights").mkdir()
    assert weights_folder().resolve() == tmp_path.resolve() / "weights"
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(tmp_path / "chosen"))
    assert weights_folder() == tmp_path / "chosen"


def test_a_missing_official_file_is_reported_with_the_command_to_fetch_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"sam_vit_l_0b3195\.pth") as caught:
        official_path("vit_l")
    assert "sam-seismic weights fetch vit_l" in caught.value.fix
    (tmp_path / "sam_vit_l_0b3195.pth").touch()
    assert official_path("vit_l") == tmp_path / "sam_vit_l_0b3195.pth"
    with pytest.raises(WeightsError, match="no weights are published for 'vit_t'"):
        official_path("vit_t")
