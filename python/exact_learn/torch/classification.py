"""What all losses share: shapes, class weights, ignored samples and reductions, as in torch.nn.CrossEntropyLoss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from exact_learn.torch import formulas, operators

_REDUCTIONS = ("mean", "sum", "none")


class ClassificationLoss(nn.Module):
    """A loss of logits and class labels, sample by sample.

    Subclasses implement :meth:`evaluate`.

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
            if weight.ndim != 1 or not (weight.is_meta or bool((weight >= 0).all() & weight.isfinite().all())):
                raise ValueError("weight must hold one finite number of at least 0 per class")
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The loss of logits (C), (N, C) or (N, C, d1, ...) with labels (), (N) or (N, d1, ...).

        Losses that are linear in the label, and cross-entropy, also take a target of the shape of the logits with the
        probability of each class, as from mixup or a teacher. As in torch.nn.CrossEntropyLoss, their mean is over
        samples, whatever the weights of classes.

        A class whose logit is minus infinity is masked: it is as if there were none, also in the statistics of
        normalisation. It can be no label.

        `sample_weight`, in the shape of labels, multiplies the losses and the weights in their mean.

        It is computed and returned in single precision for logits in half precision, whose sums would stall, also under
        ``torch.autocast``.

        Raises
        ------
        TypeError
            If the logits are not floating, or the labels neither integers nor probabilities that the loss can take.
        ValueError
            If shapes do not fit; on the CPU also if a logit is neither finite nor masked, a label is not a class or a
            weight is negative.
        """
        logits, labels = _rows(input, target)
        shape = input.shape[:1] + input.shape[2:] if input.ndim > 1 else torch.Size([])
        weights = None if sample_weight is None else _sample_weights(sample_weight, shape, logits)
        if not logits.is_meta and torch.is_autocast_enabled(logits.device.type):
            with torch.autocast(logits.device.type, enabled=False):
                loss = self.of_rows(logits, labels, weights)
        else:
            loss = self.of_rows(logits, labels, weights)
        return loss.reshape(shape) if self.reduction == "none" else loss

    def of_rows(self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None) -> Tensor:
        """The reduced loss of logits (n, C), float32 or float64, with labels (n), some of which may be ignored.

        Or with the probabilities of labels (n, C).
        """
        if sample_weight is None:
            return self.evaluate(logits, labels, None, self.reduction)
        losses = self.evaluate(logits, labels, sample_weight, "none") * sample_weight
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        return losses.sum() / (self.weights_of(logits, labels) * sample_weight).sum()

    def evaluate(self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None, reduction: str) -> Tensor:
        """The same, where the weights of samples have no part but in statistics of the batch."""
        raise NotImplementedError

    def weights_of(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The weights (n) of the samples by their labels, 0 of ignored ones; 1 for probabilities of labels."""
        if labels.ndim == 2:
            return logits.new_ones(len(logits))
        return formulas.counted(logits, labels, self.weight, self.ignore_index, self.n_labels(logits))[2]

    def n_labels(self, logits: Tensor) -> int:
        """How many classes there are labels for."""
        return logits.shape[1]

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


def no_soft_targets(loss: ClassificationLoss) -> TypeError:
    """What is raised for probabilities of labels."""
    return TypeError(
        f"{type(loss).__name__} has no soft targets; give integer labels, or take ExactLoss, ExpectedCostLoss or "
        "CrossEntropyLoss"
    )


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


def _sample_weights(sample_weight: Tensor, shape: torch.Size, logits: Tensor) -> Tensor:
    """Weights of samples in rows."""
    if not isinstance(sample_weight, Tensor) or sample_weight.shape != shape:
        found = tuple(sample_weight.shape) if isinstance(sample_weight, Tensor) else type(sample_weight).__name__
        raise ValueError(f"sample_weight must be a tensor in the shape of labels, {tuple(shape)}, got {found}")
    weights = sample_weight.reshape(-1).to(logits)
    if operators.has_values(weights) and not bool((weights >= 0).all() & weights.isfinite().all()):
        raise ValueError("sample_weight must hold one finite number of at least 0 per sample")
    return weights
