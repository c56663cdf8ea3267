"""Batch normalisation of the logits by two scalars."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from exact_learn import _core
from exact_learn.torch import operators


class LogitNormalization(nn.Module):
    """Shifts and scales all logits of a batch together, so that sigma has a meaning whatever the scale of the weights.

    ``(logits - mean) / std`` with one mean and one population standard deviation over samples and classes; the gradient
    flows through both. In evaluation, running means of the two take their place. Logits of minus infinity, masked
    classes, stay so and do not count.

    Where torch.distributed is initialised, the statistics are those of the batches of all processes together, which all
    have to take part, with as many batches; a RuntimeError says that one of them has not. ``join()`` of
    DistributedDataParallel stands in for the sums of the model alone, so that a process that ends early breaks these.
    Without gradients, as in a validation by one process, the statistics are those of its own batch, and the running
    means stay as they are.

    Parameters
    ----------
    momentum : float
        The weight of a batch in the running means.

    References
    ----------
    Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615, improvements.
    """

    running_mean: Tensor
    running_std: Tensor
    batches: Tensor

    def __init__(self, momentum: float = 0.1) -> None:
        super().__init__()
        if not 0.0 < momentum <= 1.0:
            raise ValueError(f"momentum must be above 0 and at most 1, got {momentum}")
        self.momentum = momentum
        self.register_buffer("running_mean", torch.tensor(0.0))
        self.register_buffer("running_std", torch.tensor(1.0))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self, logits: Tensor, weights: Tensor | None = None) -> Tensor:
        """Normalises logits (n, C) whose samples have the weights (n)."""
        if not self.training:
            return (logits - self.running_mean.to(logits)) / self.running_std.to(logits)
        # Masked classes have no part in the statistics.
        masked = logits == -math.inf
        present = logits.masked_fill(masked, 0.0)
        counts = (~masked).to(logits)
        if weights is not None:
            counts = counts * weights.to(logits).unsqueeze(-1)
        shared = logits.requires_grad and torch.is_grad_enabled() and _is_shared()
        totals = torch.stack([(counts * present).sum(), counts.sum()])
        totals = _AllReduce.apply(totals) if shared else totals
        count = totals[1].clamp(min=torch.finfo(logits.dtype).tiny)
        mean = totals[0] / count
        centered = present - mean
        squares = (counts * centered.square()).sum()
        variance = (_AllReduce.apply(squares) if shared else squares) / count
        # Below it, logits are equal up to rounding.
        std = variance.clamp(min=_core.LOGIT_STD_FLOOR**2).sqrt()
        if operators.has_values(std) and std.isinf():
            raise ValueError(
                f"the variance of the logits, up to {present.detach().abs().max():g}, is too large for {logits.dtype}: "
                "training has diverged, or masked classes have large finite logits instead of minus infinity"
            )
        # Statistics of one process of several are no step of training.
        if shared or not _is_shared():
            self._follow(mean, std)
        return (centered / std).masked_fill(masked, -math.inf)

    @torch.no_grad()
    def _follow(self, mean: Tensor, std: Tensor) -> None:
        # The first batch sets the running means.
        share = torch.where(self.batches == 0, 1.0, self.momentum).to(self.running_mean)
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        self.running_std.lerp_(std.to(self.running_std), share)
        self.batches.add_(1)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # A model that was trained without it has no statistics.
        if any(name.startswith(prefix) for name in state_dict):
            super()._load_from_state_dict(state_dict, prefix, *rest)


class _AllReduce(torch.autograd.Function):
    """The sum over processes, through which gradients of all processes flow back."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return _sum_over_processes(value)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Tensor:
        return _AllReduce.apply(cotangent)


def _sum_over_processes(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    try:
        distributed.all_reduce(total)
    except RuntimeError as error:
        raise RuntimeError(
            f"the statistics of the logits could not be added up over {distributed.get_world_size()} processes: "
            "another process stopped, ran out of batches, or did not answer within the timeout of init_process_group; "
            "give all processes as many batches, as DistributedSampler does"
        ) from error
    return total


def _is_shared() -> bool:
    """Whether there are other processes."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
