"""The losses on random scores as functions, as those in torch.nn.functional.

A function has no state: sigma is a number or a tensor, and ``normalize_logits`` normalises by the statistics of the
batch, with or without gradients.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from exact_learn.torch.losses import ExactLoss, ExpectedCostLoss, MacroF1Loss, ProbitLoss, TopKLoss


def exact_loss(
    logits: Tensor,
    target: Tensor,
    sigma: float | Tensor | None = None,
    *,
    sample_weight: Tensor | None = None,
    **settings: Any,
) -> Tensor:
    """The expected error.

    Parameters
    ----------
    logits, target, sample_weight
        As those of a call of :class:`exact_learn.torch.ExactLoss`.
    sigma, **settings
        As those of :class:`exact_learn.torch.ExactLoss`.

    Examples
    --------
    >>> import torch
    >>> exact_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), sigma=0.5)
    tensor(0.0786)
    """
    return ExactLoss(sigma=sigma, **settings)(logits, target, sample_weight)


def probit_loss(
    logits: Tensor,
    target: Tensor,
    sigma: float | Tensor = 1.0,
    *,
    sample_weight: Tensor | None = None,
    **settings: Any,
) -> Tensor:
    """Minus the logarithm of expected accuracy; arguments as those of :class:`exact_learn.torch.ProbitLoss`."""
    return ProbitLoss(sigma=sigma, **settings)(logits, target, sample_weight)


def top_k_loss(
    logits: Tensor,
    target: Tensor,
    k: int,
    sigma: float | Tensor = 1.0,
    *,
    sample_weight: Tensor | None = None,
    **settings: Any,
) -> Tensor:
    """Expected top-k error; arguments as those of :class:`exact_learn.torch.TopKLoss`."""
    return TopKLoss(k, sigma=sigma, **settings)(logits, target, sample_weight)


def expected_cost_loss(
    logits: Tensor,
    target: Tensor,
    costs: Tensor,
    sigma: float | Tensor = 1.0,
    *,
    sample_weight: Tensor | None = None,
    **settings: Any,
) -> Tensor:
    """Expected cost; arguments as those of :class:`exact_learn.torch.ExpectedCostLoss`."""
    return ExpectedCostLoss(costs, sigma=sigma, **settings)(logits, target, sample_weight)


def macro_f1_loss(
    logits: Tensor,
    target: Tensor,
    sigma: float | Tensor = 1.0,
    *,
    sample_weight: Tensor | None = None,
    **settings: Any,
) -> Tensor:
    """One minus the macro-F1 of the batch; arguments as those of :class:`exact_learn.torch.MacroF1Loss`."""
    return MacroF1Loss(sigma=sigma, **settings)(logits, target, sample_weight)
