"""What all losses share: shapes, class weights, ignored samples and reductions, as in torch.nn.CrossEntropyLoss."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

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

        Losses that are linear in the label, and cross-entropy, also take a target of the shape of the logits with the
        probability of each class, as from mixup or a teacher. As in torch.nn.CrossEntropyLoss, their mean is over
        samples, whatever the weights of classes.

        It is computed and returned in single precision for logits in half precision, whose sums would stall, also under
        ``torch.autocast``.

        Raises
        ------
        TypeError
            If the logits are not floating, or the labels neither integers nor probabilities that the loss can take.
        ValueError
            If shapes do not fit; on the CPU also if a logit is not finite or a label is not a class.
        """
        logits, labels = _rows(input, target)
        shape = input.shape[:1] + input.shape[2:] if input.ndim > 1 else torch.Size([])
        if torch.is_autocast_enabled(logits.device.type):
            with torch.autocast(logits.device.type, enabled=False):
                loss = self.of_rows(logits, labels)
        else:
            loss = self.of_rows(logits, labels)
        return loss.reshape(shape) if self.reduction == "none" else loss

    def of_rows(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The reduced loss of logits (n, C), float32 or float64, with labels (n), some of which may be ignored.

        Or with the probabilities of labels (n, C).
        """
        if labels.ndim == 2:
            return self.of_probabilities(logits, labels)
        return self.by_kernel(logits, labels) if on_cpu(logits) else self.by_formula(logits, labels)

    def by_kernel(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The same by the kernels of exact-core."""
        raise NotImplementedError

    def of_probabilities(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        """The same with probabilities of labels (n, C)."""
        raise TypeError(
            f"{type(self).__name__} has no soft targets; give integer labels, or take ExactLoss, ExpectedCostLoss or "
            "CrossEntropyLoss"
        )

    def by_formula(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The same in tensor operations."""
        logits, labels, weights = self.weighted(logits, labels)
        return self.reduced(self.sample_losses(logits, labels, weights), weights)

    def reduced(self, losses: Tensor, weights: Tensor) -> Tensor:
        """Losses (n) with weights (n)."""
        if self.reduction == "none":
            return losses * weights
        total = (losses * weights).sum()
        return total / weights.sum() if self.reduction == "mean" else total

    def sample_losses(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """The losses (n), not weighted yet, in tensor operations."""
        raise NotImplementedError

    def n_labels(self, logits: Tensor) -> int:
        """How many classes there are labels for."""
        return logits.shape[1]

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"

    def weighted(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, labels and weights (n) of the samples; those of ignored samples are 0."""
        ignored = labels == self.ignore_index
        logits, labels = logits.masked_fill(ignored.unsqueeze(-1), 0.0), labels.masked_fill(ignored, 0)
        if self.weight is None:
            weights = logits.new_ones(len(labels))
        elif len(self.weight) != self.n_labels(logits):
            raise ValueError(f"weight has {len(self.weight)} entries, expected {self.n_labels(logits)}, one per class")
        else:
            # Labels that are not classes are left to the kernel to refuse.
            weights = self.weight[labels.clamp(0, len(self.weight) - 1)].to(logits)
        return logits, labels, weights.masked_fill(ignored, 0.0)


def on_cpu(logits: Tensor) -> bool:
    """Whether the kernels can evaluate the tensor.

    They have no part in ``torch.func`` and in derivatives in forward mode, which need to look into each operation.
    """
    transformed = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    return logits.is_cpu and not transformed


def _rows(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if not (isinstance(input, Tensor) and isinstance(target, Tensor)):
        raise TypeError(f"logits and labels must be tensors, got {type(input).__name__} and {type(target).__name__}")
    if not input.is_floating_point():
        raise TypeError(f"logits must be of a floating type, got {input.dtype}; convert with .float()")
    soft = target.is_floating_point()
    if target.is_complex() or target.dtype == torch.bool:
        raise TypeError(f"labels must be integers (class indices), got {target.dtype}; convert with .long()")
    if input.ndim == 0 or input.shape[min(1, input.ndim - 1)] == 0:
        raise ValueError(f"logits must have shape (N, C) with at least one class, got {tuple(input.shape)}")
    if input.ndim == 2:
        expected = input.shape[:1]
    else:
        expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else torch.Size([])
    if soft:
        if target.shape != input.shape:
            raise TypeError(
                f"labels must be integers (class indices), or probabilities in the shape of the logits, "
                f"{tuple(input.shape)}; got {target.dtype} of shape {tuple(target.shape)}"
            )
    elif target.shape != expected:
        raise ValueError(
            f"labels have shape {tuple(target.shape)}, expected {tuple(expected)} "
            f"for logits of shape {tuple(input.shape)}, whose classes are dimension {min(1, input.ndim - 1)}"
        )
    if input.ndim != 2:
        target = _in_rows(target) if soft else target.reshape(-1)
        input = _in_rows(input)
    if input.dtype not in (torch.float32, torch.float64):
        input = input.float()
    if soft:
        return input, target.to(input)
    return input, target if target.dtype == torch.int64 else target.long()


def _in_rows(values: Tensor) -> Tensor:
    """Values (C) or (N, C, d1, ...) as (n, C)."""
    return values.movedim(1, -1).reshape(-1, values.shape[1]) if values.ndim > 2 else values.unsqueeze(0)
