"""Batch normalisation of the logits by two scalars."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from exact_learn import _core


class LogitNormalization(nn.Module):
    """Shifts and scales all logits of a batch together, so that sigma has a meaning whatever the scale of the weights.

    ``(logits - mean) / std`` with one mean and one population standard deviation over samples and classes; the gradient
    flows through both. In evaluation, running means of the two take their place. Where torch.distributed is
    initialised, the statistics are those of the batches of all processes together; a RuntimeError says that one of them
    has stopped.

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
        column = logits.new_ones(logits.shape[0], 1) if weights is None else weights.to(logits).unsqueeze(-1)
        totals = _total(torch.stack([(column * logits).sum(), column.sum() * logits.shape[1]]))
        count = totals[1].clamp(min=torch.finfo(logits.dtype).tiny)
        mean = totals[0] / count
        centered = logits - mean
        variance = _total((column * centered.square()).sum()) / count
        # Below it, logits are equal up to rounding.
        std = variance.clamp(min=_core.LOGIT_STD_FLOOR**2).sqrt()
        with torch.no_grad():
            # The first batch sets the running means.
            share = torch.where(self.batches == 0, 1.0, self.momentum).to(self.running_mean)
            self.running_mean.lerp_(mean.to(self.running_mean), share)
            self.running_std.lerp_(std.to(self.running_std), share)
            self.batches.add_(1)
        return centered / std


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
        return _sum_over_processes(cotangent)


def _sum_over_processes(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    try:
        distributed.all_reduce(total)
    except RuntimeError as error:
        raise RuntimeError(
            f"the statistics of the logits could not be added up over {distributed.get_world_size()} processes: "
            "another process stopped, or did not answer within the timeout of init_process_group"
        ) from error
    return total


def _total(value: Tensor) -> Tensor:
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        return _AllReduce.apply(value)
    return value
