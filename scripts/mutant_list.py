"""Faults that the tests must find: in which file or room, the code, what it is changed to, and the tests to run.

The old code is a short piece that stands exactly once below `where`: a folder is as good as a file, and outlives a
move within the room.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Args:
        where: file or folder below sam_seismic/ that holds the code.
        what: the fault, in words.
        old: a piece of the code.
        new: what it is changed to.
        tests: files or tests that should find it, as pytest names them.
    """

    where: str
    what: str
    old: str
    new: str
    tests: tuple[str, ...]


_FRAME = ("tests/data/test_frame.py",)
_AMPLITUDE = ("tests/data/test_amplitude.py",)
_AUGMENT = ("tests/data/test_channels_and_augment.py",)
_DATA = ("tests/data/test_datamodule.py",)
_SPLITS = ("tests/survey/test_splits.py",)
_SPARSE = ("tests/survey/test_sparse_labels.py",)
_TASK = ("tests/tasks/test_facies.py",)
_LOSSES = ("tests/tasks/test_losses.py",)
_CUT = ("tests/tuning/test_encoder_cut.py",)
_STORE = ("tests/tuning/test_embedding_store.py",)
_HORIZONS = ("tests/survey/test_horizons.py",)
_JOURNAL = ("tests/files/test_resume_journal.py",)
_RECORDS = ("tests/files/test_fixed_records.py",)
_SCORES = ("tests/scoring/test_scores.py",)
_LABELS = ("tests/inspection/test_label_check.py",)
_MERGE = ("tests/inference/test_merge.py",)

MUTANTS = (
    # --- data ---------------------------------------------------------------------------------------------------------
    Mutant("data/frame.py", "zeros beyond the edge of the canvas", 'mode="replicate"', 'mode="constant"', _FRAME),
    Mutant("data/frame.py", "a section is shrunk without antialiasing", "antialias=shrinks", "antialias=False", _FRAME),
    Mutant(
        "data/frame.py",
        "logits are shrunk without antialiasing",
        "antialias=min(factors) < 1",
        "antialias=False",
        _FRAME,
    ),
    Mutant(
        "data/amplitude.py",
        "an 8-bit picture is centred at 0",
        "amplitudes.min() < 0",
        "amplitudes.min() <= 0",
        _AMPLITUDE,
    ),
    Mutant(
        "data/amplitude.py",
        "dead traces are in the scale",
        "section.values[:, section.live]",
        "section.values",
        _AMPLITUDE,
    ),
    Mutant(
        "data",
        "the scale is fitted on the first sections only",
        "np.linspace(0, count - 1, min(count, most))",
        "np.arange(min(count, most), dtype=float)",
        _DATA,
    ),
    Mutant("data/augment.py", "labels are not flipped", "np.ascontiguousarray(labels[:, ::-1])", "labels", _AUGMENT),
    Mutant(
        "data/augment.py",
        "each epoch draws the same",
        "[self.seed, epoch, section]",
        "[self.seed, section]",
        _AUGMENT + _DATA,
    ),
    Mutant(
        "data/channels.py",
        "the sign of an amplitude is lost",
        "(amplitude + 1.0) * 127.5",
        "amplitude.abs() * 255",
        _AUGMENT,
    ),
    # --- survey -------------------------------------------------------------------------------------------------------
    Mutant("survey/splits.py", "regions that share their first line are apart", "a[0] <= b[1]", "a[0] < b[1]", _SPLITS),
    Mutant("survey/splits.py", "regions that share their last line are apart", "b[0] <= a[1]", "b[0] < a[1]", _SPLITS),
    Mutant(
        "survey/splits.py",
        "a gap of the guard is wide enough",
        "distances.min() <= guard",
        "distances.min() < guard",
        _SPLITS,
    ),
    Mutant(
        "survey/splits.py", "a region loses its last trace", 'span[1], side="right"', 'span[1], side="left"', _SPLITS
    ),
    Mutant(
        "survey/facies.py",
        "ignored values become class 0",
        "labels.shape, IGNORE",
        "labels.shape, 0",
        ("tests/survey/test_facies.py",),
    ),
    Mutant(
        "survey/horizons.py",
        "times do not start at the first sample's",
        "np.full(len(source.geometry.crosslines), source.geometry.start_ms)",
        "np.zeros(len(source.geometry.crosslines))",
        _HORIZONS,
    ),
    Mutant(
        "survey/horizons.py", "no change counts as out of order", "axis=0) < 0).sum", "axis=0) <= 0).sum", _HORIZONS
    ),
    Mutant(
        "survey/segy/samples.py",
        "IBM floats lose their sign",
        "scale |= words & np.uint32(0x80000000)",
        "scale |= words & np.uint32(0)",
        ("tests/survey/test_segy_floats.py",),
    ),
    Mutant(
        "survey/segy/geometry.py",
        "the first of repeated traces is kept",
        'if keep == "last"',
        'if keep == "first"',
        ("tests/survey/test_segy_duplicates.py",),
    ),
    Mutant(
        "survey/fingerprint.py",
        "of a volume in memory only a few sections are hashed",
        "len(lines) if not files else",
        "1 if not files else",
        ("tests/survey/test_fingerprint.py",),
    ),
    # --- files --------------------------------------------------------------------------------------------------------
    Mutant("files/resume_journal.py", "a half-written line counts", 'text.rfind(b"\\n") + 1', "len(text)", _JOURNAL),
    Mutant(
        "files",
        "records with a distance are read as joined ones",
        "self._stride == self.records.size",
        "True",
        _RECORDS,
    ),
    Mutant(
        "files",
        "an output may lie in a folder that is another output",
        "or place in other.parents ",
        "",
        ("tests/files/test_outputs_disjoint.py",),
    ),
    # --- scoring ------------------------------------------------------------------------------------------------------
    Mutant("scoring", "right voxels count twice in a union", "sum(axis=-2) - correct", "sum(axis=-2)", _SCORES),
    Mutant(
        "scoring",
        "an absent class scores 0",
        "np.isfinite(scores).sum(axis=-1)",
        "np.full(scores.shape[:-1], scores.shape[-1])",
        _SCORES,
    ),
    Mutant("scoring", "voxels without a label are scored", "scored = truth != IGNORE", "scored = truth >= 0", _SCORES),
    Mutant(
        "scoring/boundaries.py",
        "what is not interpreted makes a boundary",
        "np.where(interpreted, labels, 0)",
        "labels",
        ("tests/scoring/test_boundaries.py",),
    ),
    Mutant(
        "scoring/class_tops.py",
        "tops that are too deep count as too high",
        "(predicted - true)[place",
        "(true - predicted)[place",
        ("tests/scoring/test_class_tops.py",),
    ),
    Mutant(
        "scoring/transitions.py",
        "the order of classes is upside down",
        "np.tril(sorted_counts, -1)",
        "np.triu(sorted_counts, 1)",
        ("tests/scoring/test_transitions.py",),
    ),
    Mutant(
        "scoring/pieces.py",
        "corners do not connect, and sides alone do",
        "1 if connectivity == 4 else 2",
        "2 if connectivity == 4 else 1",
        ("tests/scoring/test_pieces.py",),
    ),
    Mutant(
        "scoring/calibration.py",
        "a reliability bin holds its lower edge",
        'side="left"',
        'side="right"',
        ("tests/scoring/test_calibration.py",),
    ),
    Mutant(
        "scoring/intervals.py",
        "blocks do not go round in a circle",
        "np.concatenate([start, start + circle])",
        "np.concatenate([start, start + 9 * circle])",
        ("tests/scoring/test_intervals.py",),
    ),
    Mutant(
        "scoring/intervals.py",
        "the correlation between blocks is lost",
        "self._widening = math.sqrt(sum(lost) / len(lines))",
        "self._widening = 1.0",
        ("tests/scoring/test_intervals.py",),
    ),
    Mutant(
        "scoring/line_counts.py",
        "groups of lines are centred together",
        "values - values.mean()",
        "values - np.concatenate([each for _, each in scored]).mean()",
        ("tests/scoring/test_line_counts.py",),
    ),
    Mutant(
        "scoring/protocols.py",
        "the weights of SEAM AI follow the order of the list",
        "weights[np.argsort(found.values)] = SEAM_AI_WEIGHTS",
        "weights[:] = SEAM_AI_WEIGHTS",
        ("tests/scoring/test_protocols.py",),
    ),
    Mutant(
        "scoring/interpolation.py",
        "the nearer side has less say",
        "shares = weights / ",
        "shares = weights[::-1] / ",
        ("tests/scoring/test_interpolation.py",),
    ),
    Mutant(
        "scoring/training_lines.py",
        "line numbers count as lines",
        "for orientation in Orientation]",
        "for orientation in Orientation][:0] or [1, 1]",
        ("tests/scoring/test_training_lines.py",),
    ),
    # --- sam, networks ------------------------------------------------------------------------------------------------
    Mutant(
        "sam/weights",
        "tables of positions are interpolated as pictures are",
        'mode="bicubic"',
        'mode="bilinear"',
        ("tests/sam/test_weights_values.py",),
    ),
    Mutant(
        "sam/weights",
        "tensors of a safetensors file may overlap",
        "entry.begin != reached",
        "entry.begin > reached",
        ("tests/sam/test_safetensors.py",),
    ),
    Mutant("sam/attention.py", "scores are not scaled", "[q * d**-0.5,", "[q,", ("tests/sam/test_attention.py",)),
    Mutant(
        "sam/image_encoder.py",
        "a small canvas sees the positions of the bottom",
        "self.pos_embed[:, : tokens.shape[1],",
        "self.pos_embed[:, -tokens.shape[1] :,",
        ("tests/sam/test_parity.py", "tests/sam/test_image_encoder.py"),
    ),
    Mutant(
        "sam/image_encoder.py",
        "windows that show a part of the section are taken for padding",
        "(-(-side // (PATCH * WINDOW)) * WINDOW for side in shown)",
        "(max(1, side // (PATCH * WINDOW)) * WINDOW for side in shown)",
        ("tests/sam/test_image_encoder.py",),
    ),
    Mutant("networks", "a class gets the token before its own", "tokens[:, 1:]", "tokens[:, :-1]", _TASK),
    Mutant(
        "networks/warm_start.py",
        "weights of a class go by its place, not by its name",
        "theirs.by_class[source.classes.index(name)]",
        "theirs.by_class[classes.index(name) % len(source.classes)]",
        ("tests/networks/test_warm_start.py",),
    ),
    # --- tasks --------------------------------------------------------------------------------------------------------
    Mutant(
        "networks",
        "what is shown is taken from the first frame of a batch",
        "shown=largest(frame.placed_shape for frame in frames)",
        "shown=frames[0].placed_shape",
        _TASK,
    ),
    Mutant(
        "networks",
        "what is upscaled is taken from the first frame of a batch",
        "patches = largest(frame.patches_read(network.stride) for frame in frames)",
        "patches = frames[0].patches_read(network.stride)",
        _TASK,
    ),
    Mutant(
        "networks",
        "train.encoder_rate is ignored",
        "learning_rate * encoder_rate",
        "learning_rate",
        _TASK,
    ),
    Mutant("tasks", "train.weight_decay is ignored", "weight_decay=train.weight_decay", "weight_decay=0.01", _TASK),
    Mutant("tasks", "val_loss goes on from the epoch before", "self._sums = None\n", "pass\n", _TASK),
    Mutant("tasks", "the warm-up starts at 0", "(step + 1) / rise", "step / rise", _TASK),
    Mutant("tasks/losses", "Dice without its 2", "dice = 2 * intersection", "dice = intersection", _LOSSES),
    Mutant("tasks/losses", "classes that do not occur cost something", "(occurs * (1 - dice))", "(1 - dice)", _LOSSES),
    Mutant("tasks/losses", "ignored voxels have a gradient", "d_logits.mul_(counted)", "d_logits", _LOSSES),
    # --- tuning -------------------------------------------------------------------------------------------------------
    Mutant(
        "tuning/methods", "nothing of the encoder is trained", "requires_grad_(True)", "requires_grad_(False)", _CUT
    ),
    Mutant(
        "tuning",
        "a flipped section is kept under the name of the other",
        '"_flipped" if variant.flipped',
        '"" if variant.flipped',
        _STORE,
    ),
    Mutant("tuning", "half a file is taken for a whole one", "st_size == file_size(shape)", "st_size > 0", _STORE),
    Mutant(
        "tuning",
        "an embedding that may not be read counts as stored",
        "== file_size(shape) and os.access(path, os.R_OK)",
        "== file_size(shape)",
        _STORE,
    ),
    Mutant(
        "tuning",
        "the clip is no part of a recipe",
        '{"layout": LAYOUT} | asdict(self), sort_keys=True',
        '{"layout": LAYOUT} | asdict(self) | {"clip": 0}, sort_keys=True',
        _STORE,
    ),
    # --- inference ----------------------------------------------------------------------------------------------------
    Mutant("inference/merge.py", "a sum in place of a mean", "probabilities /= 2", "probabilities /= 1", _MERGE),
    Mutant(
        "inference",
        "entropy is not of all classes",
        "np.log(len(probabilities))",
        "np.log(2)",
        ("tests/inference/test_products.py",),
    ),
    Mutant(
        "inference",
        "inlines are predicted before crosslines",
        "in sorted(orientations)",
        "in sorted(orientations, reverse=True)",
        ("tests/inference/test_volume.py",),
    ),
    # --- runs ---------------------------------------------------------------------------------------------------------
    Mutant(
        "runs/finite_numbers.py",
        "gradients that are not finite are trained on",
        "if not _skips_steps(trainer) or",
        "if",
        ("tests/runs/test_finite_numbers.py",),
    ),
    Mutant(
        "runs/checkpoints.py",
        "the worst epoch is the best one",
        'mode="max"',
        'mode="min"',
        ("tests/cli/test_train.py",),
    ),
    Mutant(
        "runs",
        "a resumed run counts from the last step told, not from its checkpoint",
        "step=before.checkpoint or 0",
        "step=before.step",
        ("tests/runs/test_training_notes.py",),
    ),
    Mutant(
        "runs/memory_advice.py",
        "half of a batch of one is proposed",
        "if batch_size > 1",
        "if batch_size > 0",
        ("tests/runs/test_memory_advice.py",),
    ),
    Mutant(
        "runs",
        "the mean loss is that of the last step",
        "self._total = self._total + _loss(trainer, outputs)",
        "self._total = _loss(trainer, outputs)",
        ("tests/runs/test_training_notes.py",),
    ),
    Mutant(
        "runs/epoch_position.py",
        "with another batch size the learning rate goes on at the step, not at the part of the run",
        'epochs * steps + within - checkpoint["global_step"]',
        "0",
        ("tests/cli/test_moved_data.py",),
    ),
    # --- inspection ---------------------------------------------------------------------------------------------------
    Mutant(
        "inspection",
        "the operations of attention on the CPU are not counted",
        "_aten._scaled_dot_product_flash_attention_for_cpu: _ATTENTION,",
        "",
        ("tests/inspection/test_dry_run.py",),
    ),
    Mutant(
        "inspection/line_correlation.py",
        "dead traces are compared",
        "section.live & np.isfinite(low)",
        "np.isfinite(low)",
        ("tests/inspection/test_line_correlation.py",),
    ),
    Mutant(
        "inspection/amplitude_comparison.py",
        "an offset of the amplitudes is not noticed",
        "shift <= OTHER_CENTER",
        "shift < 1e9",
        ("tests/inspection/test_amplitude_comparison.py",),
    ),
    Mutant(
        "inspection/label_check.py",
        "one section is enough to miss a class",
        "until=lambda found: not found.absent",
        "until=lambda found: bool(found.labelled)",
        _LABELS,
    ),
    Mutant(
        "inspection/label_fixes.py",
        "the value of a mask is given to every class",
        "value if each == absent else each",
        "value if each != absent else each",
        _LABELS,
    ),
    Mutant(
        "files",
        "an empty variable leaves a part out of a path",
        'not os.environ.get(name, "").strip()',
        "name not in os.environ",
        ("tests/files/test_user_paths.py",),
    ),
    # --- labels -------------------------------------------------------------------------------------------------------
    Mutant("survey/splits.py", "no gap between interpreted lines", "< first - guard]", "< first]", _SPARSE),
    Mutant(
        "survey/labels",
        "labels are matched by their number, not by their time",
        "times = here.start_ms + here",
        "times = there.start_ms + here",
        _SPARSE,
    ),
    Mutant(
        "survey/labels/joined.py",
        "the last of several label volumes counts",
        "in reversed(self._volumes)",
        "in self._volumes",
        _SPARSE,
    ),
    Mutant(
        "survey/labels/interpreted.py",
        "sections without a label are trained on",
        "facies.holds_labels(section.values)",
        "np.ones(section.values.shape, np.bool_)",
        _SPARSE,
    ),
    Mutant(
        "sam/weights/lora.py",
        "the factors of a LoRA are taken away",
        "+ b.float() @ a.float()",
        "- b.float() @ a.float()",
        ("tests/sam/test_lora_weights.py",),
    ),
    # --- config -------------------------------------------------------------------------------------------------------
    Mutant(
        "config",
        "last_blocks may train all blocks",
        "self.blocks < depth",
        "self.blocks <= depth",
        ("tests/test_config.py",),
    ),
)
