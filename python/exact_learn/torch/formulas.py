"""The losses in tensor operations: what the kernels compute, with the arguments of the operations on them.

They serve where the kernels cannot: on other devices than the CPU, in function transforms, and for second derivatives.
The tests hold both against each other, values and gradients, sample by sample.

Each takes logits (n, C), a tensor of parameters (sigma, or those of the loss), labels (n), the weights of classes, the
label of samples that do not count, the reduction, and the settings of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from exact_learn.torch import quadrature


def accuracy(
    logits: Tensor,
    sigma: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    margin: float | None,
    quantity: str,
) -> Tensor:
    """Expected error ("error") or log accuracy ("log")."""
    logits, labels, weights = counted(logits, labels, weight, ignore_index, logits.shape[1])
    log_accuracy = quadrature.log_accuracy(clipped(logits, labels, margin), _positive(sigma, logits), labels)
    return reduced(log_accuracy if quantity == "log" else -torch.expm1(log_accuracy), weights, reduction)


def top_k(
    logits: Tensor,
    sigma: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    k: int,
    margin: float | None,
) -> Tensor:
    """Expected top-k error."""
    logits, labels, weights = counted(logits, labels, weight, ignore_index, logits.shape[1])
    means = clipped(logits, labels, margin)
    return reduced(1.0 - quadrature.top_k_accuracy(means, _positive(sigma, logits), labels, k), weights, reduction)


def cost(
    logits: Tensor,
    sigma: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    costs: Tensor,
) -> Tensor:
    """Expected cost, of costs (labels, C)."""
    logits, labels, weights = counted(logits, labels, weight, ignore_index, costs.shape[0])
    distribution = quadrature.predictive_distribution(logits, _positive(sigma, logits))
    return reduced((costs[labels].to(logits) * distribution).sum(dim=-1), weights, reduction)


def batch_macro_f1(
    logits: Tensor, sigma: Tensor, labels: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    """Macro-F1 of the batch, whatever the reduction."""
    logits, labels, weights = counted(logits, labels, weight, ignore_index, logits.shape[1])
    return macro_f1(logits, sigma, labels, weights)


def macro_f1(logits: Tensor, sigma: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Macro-F1 of samples with weights (n)."""
    distribution = quadrature.predictive_distribution(logits, _positive(sigma, logits))
    column = weights.unsqueeze(-1)
    truth = column * functional.one_hot(labels, logits.shape[1])
    hits, counts, predicted = (truth * distribution).sum(0), truth.sum(0), (column * distribution).sum(0)
    occurs = counts > 0.0
    # Without the 1, a class that neither occurs nor is predicted would have derivatives of 0 / 0.
    f1 = torch.where(occurs, 2.0 * hits / torch.where(occurs, counts + predicted, 1.0), 0.0)
    return f1.sum() / occurs.sum()


def pointwise(
    logits: Tensor,
    parameters: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    loss: str,
    setting: str,
    value: float,
) -> Tensor:
    """A loss that needs no integral, by its name, with the name and the value of its setting."""
    logits, labels, weights = counted(logits, labels, weight, ignore_index, logits.shape[1])
    return reduced(_POINTWISE[loss](logits, labels, value, parameters), weights, reduction)


def counted(
    logits: Tensor, labels: Tensor, weight: Tensor | None, ignore_index: int, n_labels: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, labels and weights (n) of the samples; those of ignored samples are 0."""
    ignored = labels == ignore_index
    logits, labels = logits.masked_fill(ignored.unsqueeze(-1), 0.0), labels.masked_fill(ignored, 0)
    if weight is None:
        weights = logits.new_ones(len(labels))
    elif len(weight) != n_labels:
        raise ValueError(f"weight has {len(weight)} entries, expected {n_labels}, one per class")
    else:
        # Labels that are not classes are left to the kernel to refuse.
        weights = weight[labels.clamp(0, len(weight) - 1)].to(logits)
    return logits, labels, weights.masked_fill(ignored, 0.0)


def reduced(losses: Tensor, weights: Tensor, reduction: str) -> Tensor:
    """Losses (n) with weights (n)."""
    if reduction == "none":
        return losses * weights
    total = (losses * weights).sum()
    return total / weights.sum() if reduction == "mean" else total


def clipped(means: Tensor, labels: Tensor, margin: float | None) -> Tensor:
    """The means, of which those more than the margin below the label's are lifted, unless they are minus infinity."""
    if margin is None:
        return means
    # Labels that are not classes are left to the kernel to ignore or to refuse.
    column = labels.clamp(0, means.shape[1] - 1).unsqueeze(-1)
    floor = means.gather(1, column) - margin
    return torch.where((means < floor) & (means > -math.inf), floor, means)


def _positive(sigma: Tensor, logits: Tensor) -> Tensor:
    """Sigma where nothing can be refused without waiting for the device: NaN where it is not positive."""
    sigma = sigma.to(logits)
    return torch.where(sigma > 0.0, sigma, math.nan)


def _hinge(logits: Tensor, labels: Tensor, margin: float, _: Tensor) -> Tensor:
    column = labels.unsqueeze(-1)
    rival = logits.scatter(1, column, -math.inf).amax(dim=-1)
    return (margin + rival - logits.gather(1, column).squeeze(-1)).clamp(min=0.0)


def _sigmoid(logits: Tensor, labels: Tensor, temperature: float, _: Tensor) -> Tensor:
    return _over_alternatives(logits, labels, torch.sigmoid(-_differences(logits, labels) / temperature))


def _polynomial(logits: Tensor, labels: Tensor, temperature: float, _: Tensor) -> Tensor:
    d = (_differences(logits, labels) / temperature).clamp(-1.0, 1.0)
    return _over_alternatives(logits, labels, 0.25 * d**3 - 0.75 * d + 0.5)


def _beta_bernoulli(logits: Tensor, labels: Tensor, temperature: float, logits_of_mixture: Tensor) -> Tensor:
    twice_weight, theta = torch.sigmoid(logits_of_mixture.to(logits)).unbind()
    won = torch.sigmoid(_differences(logits, labels) / temperature)
    terms = -torch.log(0.5 * twice_weight * theta + (1.0 - 0.5 * twice_weight) * won)
    return _over_alternatives(logits, labels, terms)


def _poly1(logits: Tensor, labels: Tensor, epsilon: float, _: Tensor) -> Tensor:
    surprisal = functional.cross_entropy(logits, labels, reduction="none")
    return surprisal - epsilon * torch.expm1(-surprisal)


def _focal(logits: Tensor, labels: Tensor, gamma: float, _: Tensor) -> Tensor:
    surprisal = functional.cross_entropy(logits, labels, reduction="none")
    return (-torch.expm1(-surprisal)) ** gamma * surprisal


def _cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float, _: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)


def _differences(logits: Tensor, labels: Tensor) -> Tensor:
    # Of masked classes any number, as they have no part in the sum.
    return logits.gather(1, labels.unsqueeze(-1)) - logits.masked_fill(logits == -math.inf, 0.0)


def _over_alternatives(logits: Tensor, labels: Tensor, terms: Tensor) -> Tensor:
    """The sum of the terms (n, C) over the classes that are neither the label nor masked."""
    terms = terms.masked_fill(logits == -math.inf, 0.0)
    return terms.sum(dim=-1) - terms.gather(1, labels.unsqueeze(-1)).squeeze(-1)


_POINTWISE: dict[str, Callable[[Tensor, Tensor, float, Tensor], Tensor]] = {
    "hinge": _hinge,
    "sigmoid": _sigmoid,
    "polynomial": _polynomial,
    "beta-bernoulli": _beta_bernoulli,
    "poly1": _poly1,
    "focal": _focal,
    "cross-entropy": _cross_entropy,
}
