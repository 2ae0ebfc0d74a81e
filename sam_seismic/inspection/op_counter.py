"""PyTorch operations run inside a context; the live bytes of their tensors, the peak and the work go out."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

_aten = torch.ops.aten
_ATTENTION = flop_registry[_aten._scaled_dot_product_flash_attention]
_ATTENTION_BACKWARD = flop_registry[_aten._scaled_dot_product_flash_attention_backward]
FORMULAS: dict[Any, Callable[..., int]] = {
    **flop_registry,
    # PyTorch's registry has the fused attention of GPUs, but not that of the CPU.
    _aten._scaled_dot_product_flash_attention_for_cpu: _ATTENTION,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: _ATTENTION_BACKWARD,
}
"""By operator: function that returns its number of floating point operations."""


@dataclass(frozen=True)
class Work:
    """Computational work.

    Args:
        flops: floating point operations of matrix products, convolutions and attention.
        made: bytes of all tensors that are created, as a measure of memory traffic.
    """

    flops: float = 0.0
    made: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.flops + other.flops, self.made + other.made)

    def __sub__(self, other: "Work") -> "Work":
        return self + -1 * other

    def __rmul__(self, times: float) -> "Work":
        return Work(times * self.flops, times * self.made)


class OpCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Context that counts the bytes of tensors created in it, live ones and their peak, and the work."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self.work = Work()
        self._known: set[int] = set()

    def reset(self) -> None:
        """Reset the peak to the live bytes, and the work to zero."""
        self.peak = self.live
        self.work = Work()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        given = kwargs or {}
        made = func(*args, **given)
        formula = FORMULAS.get(getattr(func, "_overloadpacket", None))
        if formula is not None:
            self.work += Work(flops=formula(*args, **given, out_val=made))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._count(each)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.live += size
        self.work += Work(made=size)
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


class OnGpu(TorchFunctionMode):
    """Context in which tensors report to be on a GPU, and attention needs the memory of a fused kernel: no scores.

    Args:
        counter: the work of attention is added to it.
    """

    def __init__(self, counter: OpCounter) -> None:
        super().__init__()
        self._counter = counter

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        given = kwargs or {}
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return True
        if func is nn.functional.scaled_dot_product_attention:
            return _Fused.apply(self._counter, *args, given.get("attn_mask"))  # type: ignore[no-untyped-call]
        return func(*args, **given)


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, counter: OpCounter, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        out = torch.empty_like(q)
        ctx.save_for_backward(q, k, v, bias, out)
        ctx.counter = counter
        counter.work += Work(flops=_ATTENTION(q, k, v, out_val=out))
        return out

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Any:
        q, k, v, bias, out = ctx.saved_tensors
        ctx.counter.work += Work(flops=_ATTENTION_BACKWARD(out, q, k, v, out_val=None))
        return None, *(None if each is None else torch.empty_like(each) for each in (q, k, v, bias))
