"""Rows of where the time of ours goes: a pass of the encoder and a step of the decoder, by kind of arithmetic."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

from torch.profiler import ProfilerActivity, profile

from .decoder import Step
from .encoder import CANVASES, Encoders, Pass
from .measure import Settings, Work, timed
from .rows import Row

KINDS: Mapping[str, tuple[str, ...]] = {
    "products of matrices": ("mm", "bmm", "addmm", "linear", "mkldnn_linear"),
    "attention: scores, softmax and their product with the values": ("*scaled_dot_product*",),
    "convolutions": ("*convolution*", "*conv_transpose*"),
    "norms": ("*layer_norm*",),
    "activations": ("*gelu*", "*relu*", "*threshold*"),
    "logits: resizing, softmax, sums by class": (
        "*upsample*", "*softmax*", "*gather*", "*index_add*", "exp", "*scatter*", "sum", "where", "ne", "*zero*",
    ),
    "optimizer": ("*adamw*", "*foreach*"),
    "copies, sums and padding": (
        "*copy*", "cat", "add", "mul", "*index*", "*pad*", "*fill*", "*stack*", "*slice*", "div", "*empty*",
    ),
}  # fmt: skip
"""Patterns of the names of PyTorch's own operations; the first kind that fits takes one."""
REST = "all else, Python included"


def kind_of(operation: str) -> str:
    """Of an operation, e.g. `aten::addmm`."""
    name = operation.removeprefix("aten::").strip("_").lower()
    return next((kind for kind, patterns in KINDS.items() if any(fnmatch(name, some) for some in patterns)), REST)


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of the first size, in each precision and canvas."""
    size, layout = next(iter(settings.sizes.items()))
    encoders, batch = Encoders(layout, settings.device), max(settings.batches)
    for precision in settings.precisions:
        for canvas in ("square", "tight"):
            run = Pass("ours", size, canvas, precision, batch)
            what = f"encoder, {size}, {CANVASES[canvas]}, {precision}, batch {batch}"
            yield from _parts(what, encoders.work(run), batch, settings)
        for canvas in ("square", "tight"):
            step = Step("ours", canvas, precision, batch)
            what = f"decoder step, {canvas} canvas, {precision}, batch {batch}"
            yield from _parts(what, step.work(settings.device), batch, settings)


def _parts(what: str, work: Work, sections: int, settings: Settings) -> Iterator[Row]:
    """The time of a work, for a section, and how it is spent: shares as the profiler sees them, the largest first."""
    work()
    seconds = timed({what: work}, settings)[what]
    whole = seconds / sections
    cuda = settings.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]) as found:
        for _ in range(1 if seconds > 1 else settings.rounds):  # a long one tells enough the first time
            work()
    spent: dict[str, float] = {}
    for event in found.key_averages():
        kind = kind_of(event.key)
        spent[kind] = spent.get(kind, 0) + (event.self_device_time_total if cuda else event.self_cpu_time_total)
    total = sum(spent.values())
    yield Row(group="breakdown", what=what, seconds=whole, their_seconds=whole)
    for kind, some in sorted(spent.items(), key=lambda item: -item[1]):
        yield Row(group="breakdown", what=f"· {kind}", against=what, seconds=whole * some / total, their_seconds=whole)
