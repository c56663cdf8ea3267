"""The kernels of exact-core on CPU tensors, which share memory with NumPy arrays.

Each kernel takes rows of logits (n, C), a tensor of parameters (sigma, or those of the loss), labels (n), how they are
reduced (:func:`reduction_of`), and further arguments. It returns the loss and its gradients with respect to the logits
(n, C) and to the parameters. Not reduced, these are the losses (n) times their weights, the gradient of each, and, for
parameters that all samples share, one row per sample.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from exact_learn import _core

Results = tuple[Tensor, Tensor, Tensor]
Reduction = tuple[Any, int, str]


def accuracy(
    logits: Tensor,
    sigma: Tensor,
    labels: Tensor,
    how: Reduction,
    margin: float | None,
    quantity: str,
) -> Results:
    """Expected accuracy ("accuracy"), error ("error") or log accuracy ("log")."""
    return _tensors(_core.expected_accuracy(_array(logits), _array(labels), _sigma(sigma), margin, quantity, how))


def top_k(
    logits: Tensor,
    sigma: Tensor,
    labels: Tensor,
    how: Reduction,
    k: int,
    margin: float | None,
) -> Results:
    """Expected top-k error."""
    return _tensors(_core.top_k(_array(logits), _array(labels), k, _sigma(sigma), margin, "error", how))


def cost(
    logits: Tensor,
    sigma: Tensor,
    labels: Tensor,
    how: Reduction,
    costs: Tensor,
) -> Results:
    """Expected cost, of costs (labels, C)."""
    costs = costs.to(logits.dtype)
    return _tensors(_core.expected_cost(_array(logits), _array(labels), _array(costs), _sigma(sigma), how))


def macro_f1(logits: Tensor, sigma: Tensor, labels: Tensor, how: Reduction) -> Results:
    """Macro-F1 of the batch, whatever the reduction."""
    return _tensors(_core.expected_macro_f1(_array(logits), _array(labels), _sigma(sigma), how))


def pointwise(
    logits: Tensor,
    parameters: Tensor,
    labels: Tensor,
    how: Reduction,
    loss: str,
    setting: str,
    value: float,
) -> Results:
    """A loss that needs no integral, by its name, with the name and the value of its setting."""
    learned = parameters.tolist()
    return _tensors(_core.pointwise_loss(loss, setting, value, _array(logits), _array(labels), learned, how))


def reduction_of(logits: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Reduction:
    """What :class:`torch.nn.CrossEntropyLoss` calls so, as the kernels take it."""
    return None if weight is None else _array(weight.to(logits)), ignore_index, reduction


def _array(values: Tensor) -> Any:
    return values.detach().contiguous().numpy()


def _sigma(sigma: Tensor) -> Any:
    return sigma.item() if sigma.ndim == 0 else _array(sigma)


def _tensors(arrays: tuple[Any, Any, Any]) -> Results:
    values, gradient, parameter_gradient = arrays
    return torch.from_numpy(values), torch.from_numpy(gradient), torch.from_numpy(parameter_gradient)
