"""What all losses share: shapes, class weights, ignored samples and reductions, as in torch.nn.CrossEntropyLoss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_REDUCTIONS = ("mean", "sum", "none")


class ClassificationLoss(nn.Module):
    """A loss of logits and class labels, sample by sample.

    Subclasses implement :meth:`sample_losses`.

    Parameters
    ----------
    weight : Tensor, (C), optional
        The weight of each class: a sample's loss is multiplied by that of its label.
    ignore_index : int
        The label of samples that do not count.
    reduction : "mean", "sum" or "none"
        The mean is weighted: the sum of weighted losses over the sum of weights.
    """

    weight: Tensor | None

    def __init__(self, *, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction must be one of {', '.join(_REDUCTIONS)}, got {reduction!r}")
        if weight is not None:
            weight = torch.as_tensor(weight)
            if weight.ndim != 1 or not bool((weight >= 0).all() & weight.isfinite().all()):
                raise ValueError("weight must hold one finite number of at least 0 per class")
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits (C), (N, C) or (N, C, d1, ...) with labels (), (N) or (N, d1, ...).

        Raises
        ------
        TypeError
            If the logits are not floating or the labels not integers.
        ValueError
            If shapes do not fit; on the CPU also if a logit is not finite or a label is not a class.
        """
        logits, labels, ignored = self._samples(input, target)
        weights = self._weights(logits, labels, ignored)
        losses = self.sample_losses(logits, labels, weights)
        if self.reduction == "none":
            losses = losses if weights is None else losses * weights
            return losses.reshape(target.shape).to(input.dtype)
        if weights is None:
            reduced = losses.mean() if self.reduction == "mean" else losses.sum()
        else:
            reduced = (losses * weights).sum()
            reduced = reduced / weights.sum() if self.reduction == "mean" else reduced
        return reduced.to(input.dtype)

    def sample_losses(self, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        """The losses (n), not weighted yet, of logits (n, C), float32 or float64, with labels (n)."""
        raise NotImplementedError

    def n_labels(self, logits: Tensor) -> int:
        """How many classes there are labels for."""
        return logits.shape[1]

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"

    def _samples(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Rows of logits, labels, and which samples are ignored (their label is 0 here); None for certainly none."""
        logits, labels = _rows(input, target)
        ignored = labels == self.ignore_index
        if on_cpu(logits) and not torch.compiler.is_compiling() and not bool(ignored.any()):
            return logits, labels, None
        return logits.masked_fill(ignored.unsqueeze(-1), 0.0), labels.masked_fill(ignored, 0), ignored

    def _weights(self, logits: Tensor, labels: Tensor, ignored: Tensor | None) -> Tensor | None:
        if self.weight is not None:
            if len(self.weight) != self.n_labels(logits):
                raise ValueError(
                    f"weight has {len(self.weight)} entries, expected {self.n_labels(logits)}, one per class"
                )
            # Labels that are not classes are left to the kernel to refuse.
            weights = self.weight[labels.clamp(0, len(self.weight) - 1)].to(logits)
        elif ignored is not None:
            weights = logits.new_ones(len(labels))
        else:
            return None
        return weights if ignored is None else weights.masked_fill(ignored, 0.0)


def on_cpu(logits: Tensor) -> bool:
    """Whether the kernels can evaluate the tensor."""
    return logits.device.type == "cpu"


def _rows(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if not (isinstance(input, Tensor) and isinstance(target, Tensor)):
        raise TypeError(f"logits and labels must be tensors, got {type(input).__name__} and {type(target).__name__}")
    if not input.is_floating_point():
        raise TypeError(f"logits must be of a floating type, got {input.dtype}; convert with .float()")
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise TypeError(f"labels must be integers (class indices), got {target.dtype}; convert with .long()")
    if input.ndim == 0 or input.shape[min(1, input.ndim - 1)] == 0:
        raise ValueError(f"logits must have shape (N, C) with at least one class, got {tuple(input.shape)}")
    expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else torch.Size([])
    if target.shape != expected:
        raise ValueError(
            f"labels have shape {tuple(target.shape)}, expected {tuple(expected)} "
            f"for logits of shape {tuple(input.shape)}, whose classes are dimension {min(1, input.ndim - 1)}"
        )
    if input.ndim != 2:
        input = input.movedim(1, -1).reshape(-1, input.shape[1]) if input.ndim > 2 else input.unsqueeze(0)
        target = target.reshape(-1)
    if input.dtype not in (torch.float32, torch.float64):
        input = input.float()
    return input, target.long()
