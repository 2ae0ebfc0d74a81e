"""What `embed`, `eval`, `submit` and a lack of memory advise is carried out, and works."""

import json
import os
import shlex
import shutil
import stat
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import Result

from sam_seismic.config import load_config
from sam_seismic.config.model import EncoderNetworkConfig, NetworkKind
from sam_seismic.errors import UserError
from sam_seismic.files import disk
from sam_seismic.inspection import run_costs
from sam_seismic.inspection.device_memory import DeviceMemory
from sam_seismic.inspection.dry_run import dry_run, meta_task
from sam_seismic.inspection.memory_estimate import training_memory
from sam_seismic.inspection.time_estimate import measure_rates
from sam_seismic.networks import SamNetwork
from sam_seismic.runs import slurm_script
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies, training_remedies
from sam_seismic.runs.status import RunStatus, write_status
from sam_seismic.sam import build_sam
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning import compiling
from sam_seismic.tuning.embedding_store import Group
from sam_seismic.tuning.parameters import count_parameters
from tests.cli.running import Made, configured, invoke
from tests.following import fix_of, keys_in, settings_in
from tests.inspection.configurations import FACIES

FROZEN = ("--set", "model.encoder=frozen")
ONE_EPOCH = ("--set", "train.epochs=1")


def embed(made: Made, store: Path, *more: str | Path) -> Result:
    return invoke("embed", "--config", made.config, "--set", f"train.store={store}", *more)


def works(*words: str | Path) -> Result:
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def filled(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the embeddings of the run's lines; tests leave it as it is."""
    store = tmp_path_factory.mktemp("filled") / "store"
    assert embed(made, store, *FROZEN).exit_code == 0
    return store


@pytest.mark.follows("cli/embed.py", "give one of --config FILE, --list and --prune DAYS")
@pytest.mark.follows("cli/embed.py", "name the store in the configuration: --set train.store=FOLDER")
def test_one_thing_that_embed_does(made: Made, filled: Path):
    fix_of(invoke("embed"))
    assert works("embed", "--list", "--store", filled, "--json").stdout.count('"folder"') == 1
    assert works("embed", "--prune", "3", "--store", filled).stdout == "nothing was removed\n"
    config = ("embed", "--config", made.config, *FROZEN)
    fix = fix_of(invoke(*config, "--store", filled))
    assert ", 0 to encode" in works(*config, *(each.replace("FOLDER", str(filled)) for each in settings_in(fix))).stderr


@pytest.mark.follows("workflows/embed.py", "set {}, and leave train.cache out")
@pytest.mark.follows("config/model.py", "model.encoder: frozen or last_blocks")
@pytest.mark.follows("config/model.py", "a model.kind that has an encoder, such as sam")
def test_a_training_that_stores_nothing(made: Made, monkeypatch: pytest.MonkeyPatch):
    command = ("embed", "--config", made.config)
    for changes in ((), (*FROZEN, "--set", "train.cache=false")):
        works(*command, *keys_in(fix_of(invoke(*command, *changes))))
    with monkeypatch.context() as patch:  # docs/extending.md adds a network without an encoder
        for name in ("freezes", "to_freeze"):
            patch.setattr(EncoderNetworkConfig, name, getattr(NetworkKind, name))
        assert "such as sam" in fix_of(invoke(*command, *FROZEN))
    works(*command, "--set", "model={kind: sam, size: vit_t, weights: random}")


@pytest.mark.follows("workflows/embed.py", "give the folder that train.store names")
@pytest.mark.follows("tuning/store.py", "name a folder in train.store")
def test_a_store_that_is_none(made: Made, filled: Path, tmp_path: Path):
    assert "train.store" in fix_of(invoke("embed", "--list", "--store", tmp_path / "none"))
    assert works("embed", "--list", "--store", filled).stdout
    (tmp_path / "file").touch()
    assert fix_of(embed(made, tmp_path / "file", *FROZEN)) == "name a folder in train.store"
    assert embed(made, filled, *FROZEN).exit_code == 0


def little_room(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    usage = shutil.disk_usage

    def small(path: Path) -> object:
        full = any(Path(path).is_relative_to(folder) for folder in folders)
        return usage(path)._replace(free=9_000) if full else usage(path)

    monkeypatch.setattr(disk.shutil, "disk_usage", small)


@pytest.mark.follows(
    "tuning/embedding_store.py", "free some disk, sam-seismic embed --prune 30 --store {store}, another folder in"
)
@pytest.mark.follows("tuning/store_filling.py", "input.canvas: tight, ")
@pytest.mark.follows("workflows/submit.py", "make room, or name another folder in train.store")
def test_a_disk_without_room_for_embeddings(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small, large = tmp_path / "a small disk", tmp_path / "large"
    assert embed(made, small, *FROZEN, "--set", "input.side=80").exit_code == 0
    with monkeypatch.context() as patch:
        little_room(patch, small)
        fix = fix_of(embed(made, small, *FROZEN))
        submitted = ("submit", "--dry-run", "--gpus", "0", "embed", "--config", made.config, *FROZEN)
        assert "another folder in train.store" in fix_of(invoke(*submitted, "--set", f"train.store={small}"))
        assert works(*submitted, "--set", f"train.store={large}").stdout
        assert embed(made, large, *FROZEN).exit_code == 0
        run = ("train", "--config", made.config, "--output", tmp_path / "run", *FROZEN, *ONE_EPOCH)
        assert keys_in(fix)[2:] == ["--set", "train.cache=false", "--set", "train.store=null"]
        works(*run, "--set", f"train.store={small}", *keys_in(fix)[2:])
    assert keys_in(fix)[:2] == ["--set", "input.canvas=tight"]
    assert embed(made, small, *FROZEN, *keys_in(fix)[:2]).exit_code == 0
    then = (small / next(small.iterdir()).name / "recipe.json").stat().st_mtime - 40 * 24 * 3600
    for recipe in small.glob("*/recipe.json"):
        os.utime(recipe, (then, then))
    words = fix.partition("sam-seismic ")[2].partition(", another")[0]
    works(*shlex.split(words))
    assert list(small.rglob("*.npy")) == []


@pytest.mark.follows(
    "tuning/embedding_store.py", "the same command again (train: with --resume once an epoch was finished"
)
def test_an_embedding_that_is_damaged(made: Made, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In the second epoch, so that the first one is resumed."""
    store, read, count = tmp_path / "store", Group.read, []
    shutil.copytree(filled, store)

    def damaged(group: Group, *which: object) -> object:
        count.append(1)
        if len(count) == 10 + 3:
            group.path(*which).write_bytes(b"")  # type: ignore[arg-type]
        return read(group, *which)  # type: ignore[arg-type]

    command = ("train", "--config", made.config, "--output", tmp_path / "run", *FROZEN, "--set", f"train.store={store}")
    with monkeypatch.context() as patch:
        patch.setattr(Group, "read", damaged)
        assert "with --resume once an epoch was finished" in fix_of(invoke(*command))
    again = works(*command, "--resume") if (tmp_path / "run").exists() else works(*command)
    assert ", 1 to encode" in again.stderr


@pytest.mark.follows(
    "tuning/embedding_store.py", "in place of trainer.precision: 16-mixed set 32-true or bf16-mixed; if"
)
def test_embeddings_beyond_half_precision(made: Made, tmp_path: Path):
    """A GPU may reach them with 16-mixed alone; these are as large in any precision, so that storing nothing helps."""
    state = build_sam("vit_t").state_dict()
    state["image_encoder.neck.3.weight"] *= 1e6
    torch.save(state, tmp_path / "large.pth")
    changes = (*FROZEN, "--set", f"model.weights={tmp_path / 'large.pth'}", "--set", f"train.store={tmp_path / 's'}")
    command = ("train", "--config", made.config, "--output", tmp_path / "run", *changes, *ONE_EPOCH)
    fix = fix_of(invoke(*command))
    works(*command, *keys_in(fix)[-4:])


@pytest.mark.follows(
    "tuning/compiling.py", "install g++ (or load its module, or set $CXX), or set model.compile: false"
)
def test_a_machine_without_a_compiler(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiling.shutil, "which", lambda _: None)
    command = ("train", "--config", made.config, "--output", tmp_path / "run", *ONE_EPOCH)
    fix = fix_of(invoke(*command, "--set", "model.compile=true"))
    works(*command, "--set", "model.compile=true", *keys_in(fix))


# eval


@pytest.mark.follows("config/loading.py", "--set data.amplitude=PATH says where the survey is now")
@pytest.mark.follows("workflows/evaluate.py", "give the paths of those; --config FILE names another survey to score on")
def test_the_survey_of_an_evaluation(made: Made, tmp_path: Path):
    command = ("eval", "--checkpoint", made.best, "--device", "cpu")
    fix = fix_of(invoke(*command, "--set", "train.epochs=3"))
    shutil.copy(made.amplitude, tmp_path / "PATH.sgy")
    works(*command, *(each.replace("PATH", str(tmp_path / "PATH.sgy")) for each in settings_in(fix)))
    survey = model_survey((40, 32, 48), 1)
    write_segy(tmp_path / "other.sgy", 2 * survey.amplitude, survey.geometry, format="ieee")
    assert "--config FILE" in fix_of(invoke(*command, "--set", f"data.amplitude={tmp_path / 'other.sgy'}"))
    works(*command, "--set", f"data.amplitude={made.amplitude}")
    works(*command, "--config", configured(made, tmp_path / "other.yaml", amplitude=str(tmp_path / "other.sgy")))


@pytest.mark.follows("workflows/evaluate.py", "list data.classes in the checkpoint's order: {}")
@pytest.mark.follows("workflows/evaluate.py", "; and their label values in that order too, data.label_values: {}")
def test_classes_in_another_order(made: Made, tmp_path: Path):
    names = yaml.safe_load(made.config.read_text())["data"]["classes"]
    swapped = configured(
        made, tmp_path / "swapped.yaml", classes=[names[1], names[0], *names[2:]], label_values=[1, 0, 2, 3, 4, 5]
    )
    command = ("eval", "--checkpoint", made.best, "--device", "cpu", "--json", "--config")
    fix = fix_of(invoke(*command, swapped))
    order = fix.partition("order: ")[2].partition(";")[0].split(", ")
    values = yaml.safe_load(fix.partition("data.label_values: ")[2])
    mended = configured(made, tmp_path / "mended.yaml", classes=order, label_values=values)
    assert works(*command, mended).stdout == works(*command, made.config).stdout


# memory


def remedies(result: Result) -> list[str]:
    return fix_of(result).removeprefix("try these in turn, until it fits: ").split("; ")


def no_room(*_: object, **__: object) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB.")


@pytest.mark.follows("runs/memory_advice.py", "--set train.batch_size=")
@pytest.mark.follows("runs/memory_advice.py", "--set {}")
@pytest.mark.follows("runs/memory_advice.py", "--set trainer.precision=bf16-mixed")
@pytest.mark.follows("runs/memory_advice.py", "input.canvas=tight")
@pytest.mark.follows("config/model.py", "model.encoder.checkpointing=true")
def test_a_training_without_memory(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All that is named at once."""
    command = ("train", "--config", made.config, "--output", tmp_path / "run", *ONE_EPOCH)
    with monkeypatch.context() as patch:
        patch.setattr(SamNetwork, "decode", no_room)
        found = [word for each in remedies(invoke(*command)) for word in settings_in(each)]
    names = ["train.batch_size", "input.canvas", "trainer.precision", "model.encoder.checkpointing"]
    assert [each.partition("=")[0] for each in found[1::2]] == names
    works(*command, *found)


@pytest.mark.follows("runs/memory_advice.py", "input.side={}")
@pytest.mark.follows("runs/memory_advice.py", "--set train.cache=true")
@pytest.mark.follows("runs/memory_advice.py", " --set input.jittered_copies=3")
def test_a_training_without_memory_on_large_canvases(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whose encoder is frozen."""
    tree = yaml.safe_load(made.config.read_text())
    tree["model"]["encoder"] = "frozen"
    tree["train"] |= {"cache": False, "batch_size": 1}
    tree["input"] = {"fit": "resize", "side": 528, "canvas": "tight", "jitter": 0.1}
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(tree))
    command = ("train", "--config", tmp_path / "large.yaml", "--output", tmp_path / "run", *ONE_EPOCH)
    with monkeypatch.context() as patch:
        patch.setattr(SamNetwork, "decode", no_room)
        found = [word for each in remedies(invoke(*command)) for word in settings_in(each)]
    assert found[1:2] + found[5:] == ["input.side=256", "train.cache=true", "--set", "input.jittered_copies=3"]
    works(*command, *found, "--set", f"train.store={tmp_path / 'store'}")


@pytest.mark.follows("runs/memory_advice.py", "--batch-size ")
@pytest.mark.follows("runs/memory_advice.py", "--precision bf16")
@pytest.mark.follows("runs/memory_advice.py", "a checkpoint that was trained with --set {}")
def test_a_prediction_without_memory(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = ("predict", "--input", made.amplitude, "--output", tmp_path / "f.sgy", "--device", "cpu", "--checkpoint")
    with monkeypatch.context() as patch:
        patch.setattr(SamNetwork, "decode", no_room)
        *options, other = remedies(invoke(*command, made.best))
    assert options == ["--batch-size 1", "--precision bf16"]
    works(*command, made.best, *" ".join(options).split())
    assert settings_in(other) == ["--set", "input.canvas=tight"]
    works("train", "--config", made.config, "--output", tmp_path / "run", *settings_in(other), *ONE_EPOCH)
    works(*command, tmp_path / "run" / "checkpoints" / "best.ckpt", "--overwrite")


@pytest.mark.follows("runs/memory_advice.py", "--device cpu")
@pytest.mark.follows("config/model.py", "model.size={}")
def test_a_gpu_without_memory(made: Made, tmp_path: Path):
    """On the CPU it fits, or with the next smaller network, whose estimate is below."""
    metadata = load_task(made.best).metadata
    with (
        pytest.raises(UserError) as caught,
        memory_advice(predicting_remedies(metadata, batch_size=1, precision="bf16", device=torch.device("cuda"))),
    ):
        no_room()
    option = caught.value.fix.removeprefix("try these in turn, until it fits: ").partition(";")[0]
    works(
        "predict", "--input", made.amplitude, "--output", tmp_path / "f.sgy", "--checkpoint", made.best, *option.split()
    )

    tree = yaml.safe_load(made.config.read_text())
    tree["model"] = {"size": "vit_l", "weights": "random", "encoder": "full"}
    tree["input"]["canvas"] = "tight"
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(UserError) as caught, memory_advice(training_remedies(load_config(tmp_path / "large.yaml"))):
        no_room()
    smaller = settings_in(caught.value.fix)[-1]
    assert smaller == "model.size=vit_b"
    configs = (load_config(tmp_path / "large.yaml", changes) for changes in ([], [smaller]))
    sizes = [sum(count_parameters(meta_task(each, metadata.facies))) for each in configs]
    assert sizes[1] < sizes[0] / 2


@pytest.mark.follows("inspection/run_costs.py", "lower train.batch_size or input.side, or set ", elsewhere=True)
@pytest.mark.follows("inspection/run_costs.py", "input.canvas=tight", elsewhere=True)
@pytest.mark.follows("inspection/run_costs.py", "trainer.precision=bf16-mixed", elsewhere=True)
def test_an_estimate_beyond_the_memory(made: Made, monkeypatch: pytest.MonkeyPatch):
    """A warning of inspect: with what it names, less is needed. tests/inspection compares each change."""
    cpu = measure_rates(torch.device("cpu"), "32-true")
    monkeypatch.setattr(run_costs, "device_memories", lambda _: [DeviceMemory(gpu=True, total=10**6)])
    monkeypatch.setattr(run_costs, "measure_rates", lambda *_: cpu)

    def needed(*changes: str) -> int:
        config = load_config(made.config, ["input.side=256", *changes])
        shape = config.input.side, config.input.side // 2
        return training_memory(dry_run(config, FACIES, shape, gpu=True), config, gpu=True).peak

    warnings = json.loads(works("inspect", made.config, "--json").stdout)["warnings"]
    (fix,) = (each.partition(": ")[2] for each in warnings if each.startswith("training needs about"))
    changes = [word for word in keys_in(fix)[1::2] if not word.startswith("model.encoder=")]
    assert changes == ["input.canvas=tight", "model.encoder.checkpointing=true", "trainer.precision=bf16-mixed"]
    assert needed(*changes, "train.batch_size=1", "input.side=128") < needed()


# submit


@pytest.fixture
def submitting(made: Made, tmp_path: Path) -> tuple[str | Path, ...]:
    return ("train", "--config", made.config, "--output", tmp_path / "run")


@pytest.mark.follows("workflows/submit.py", "look at them: sam-seismic status runs/*")
def test_runs_that_are_finished(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    words: list[str | Path] = ["submit", "--dry-run", "train"]
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(made.config.read_text())
        (tmp_path / "runs" / name).mkdir(parents=True)
        write_status(tmp_path / "runs" / name / "status.json", RunStatus("finished"))
        words += ["--config", f"{name}.yaml"]
    command = fix_of(invoke(*words)).partition("sam-seismic ")[2].split()
    runs = [path for word in command[1:] for path in sorted(tmp_path.glob(word))]
    assert len(runs) == 2
    assert [state["state"] for state in json.loads(works(command[0], *runs, "--json").stdout)] == ["finished"] * 2


@pytest.mark.follows(
    "workflows/submit.py", "leave trainer.devices and trainer.num_nodes out, or change --gpus and --nodes"
)
@pytest.mark.follows("workflows/submit.py", "--gpus 1, or {}")
@pytest.mark.follows("workflows/submit.py", "leave --nodes out, and give --gpus 1 or --gpus 0")
def test_resources_that_do_not_fit(made: Made, submitting: tuple[str | Path, ...]):
    dry = ("submit", "--dry-run")
    asked = ("--set", "trainer={devices: 2, num_nodes: 3}")
    assert "change --gpus and --nodes" in fix_of(invoke(*dry, *submitting, *asked))
    works(*dry, "--gpus", "0", *submitting)
    works(*dry, "--gpus", "2", "--nodes", "3", *submitting, *asked)
    gpu = ("--set", "trainer.accelerator=gpu")
    fix = fix_of(invoke(*dry, "--gpus", "0", *submitting, *gpu))
    works(*dry, *fix.partition(",")[0].split(), *submitting, *gpu)
    works(*dry, "--gpus", "0", *submitting, *settings_in(fix))
    eval_ = ("eval", "--checkpoint", made.best)
    fix = fix_of(invoke(*dry, "--gpus", "0", *eval_, "--device", "cuda"))
    assert fix == "--gpus 1, or leave --device out"
    works(*dry, "--gpus", "1", *eval_, "--device", "cuda")
    works(*dry, "--gpus", "0", *eval_)
    fix = fix_of(invoke(*dry, "--nodes", "2", *eval_))
    for gpus in fix.partition("give ")[2].split(" or "):
        works(*dry, *gpus.split(), *eval_)


@pytest.mark.follows("workflows/submit.py", "run them here, or give --config FILE")
def test_what_embed_does_at_once(made: Made, filled: Path, tmp_path: Path):
    words = ("embed", "--list", "--store", filled)
    assert "give --config FILE" in fix_of(invoke("submit", "--dry-run", *words))
    works(*words)
    works("submit", "--dry-run", "--gpus", "0", "embed", "--config", made.config, *FROZEN)


@pytest.mark.follows("runs/slurm_script.py", "install sam-seismic into this environment, or give --container IMAGE")
@pytest.mark.follows("runs/slurm_script.py", "give an image as --container, as docs/cluster.md shows, or leave it out")
def test_a_program_for_the_job(submitting: tuple[str | Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert "as --container" in fix_of(invoke("submit", "--dry-run", "--container", tmp_path / "none.sif", *submitting))
    works("submit", "--dry-run", *submitting)
    monkeypatch.setattr(slurm_script.sys, "prefix", str(tmp_path / "environment"))
    fix = fix_of(invoke("submit", "--dry-run", *submitting))
    image = tmp_path / "IMAGE"
    image.touch()
    option, name = fix.rpartition("give ")[2].split()
    assert str(image) in works("submit", "--dry-run", option, tmp_path / name, *submitting).stdout
    program = tmp_path / "environment" / "bin" / "sam-seismic"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    works("submit", "--dry-run", *submitting)


@pytest.mark.follows("runs/slurm_script.py", "log in to the cluster, or add --dry-run to see the script")
@pytest.mark.follows("runs/slurm_script.py", "give what this cluster asks for, such as --partition and --account")
def test_a_cluster_that_refuses_the_job(
    submitting: tuple[str | Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A stand-in for sbatch, which wants to know both."""
    script = works("submit", "--dry-run", "--gpus", "0", *submitting).stdout
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "add --dry-run" in fix_of(invoke("submit", "--gpus", "0", *submitting))
    assert works("submit", "--dry-run", "--gpus", "0", *submitting).stdout == script
    sbatch = tmp_path / "sbatch"
    sbatch.write_text(
        "#!/bin/sh\nscript=$(cat)\nfor word in partition=gpu account=me; do case $script in *--$word*) ;; "
        "*) echo sbatch: error: no $word >&2; exit 1;; esac; done; echo 17\n"
    )
    sbatch.chmod(sbatch.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{path}")
    fix = fix_of(invoke("submit", "--gpus", "0", *submitting))
    assert works("submit", "--dry-run", "--gpus", "0", *submitting).stdout == script
    first, second = fix.partition("such as ")[2].partition(";")[0].split(" and ")
    assert "submitted job 17" in works("submit", "--gpus", "0", first, "gpu", second, "me", *submitting).stdout
