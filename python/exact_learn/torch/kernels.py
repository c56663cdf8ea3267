"""The kernels of exact-core on CPU tensors, which share memory with NumPy arrays.

Each kernel takes rows of logits (n, C), a tensor of parameters (sigma, or those of the loss) and further arguments; it
returns the losses (n), their gradients with respect to the logits (n, C), and those with respect to the parameters.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from exact_learn import _core

Results = tuple[Tensor, Tensor, Tensor]


def accuracy(logits: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, quantity: str) -> Results:
    """Expected accuracy ("accuracy"), error ("error") or log accuracy ("log")."""
    return _tensors(_core.expected_accuracy(_array(logits), _array(labels), _sigma(sigma), margin, quantity))


def top_k(logits: Tensor, sigma: Tensor, labels: Tensor, k: int, margin: float | None) -> Results:
    """Expected top-k error."""
    return _tensors(_core.top_k(_array(logits), _array(labels), k, _sigma(sigma), margin, "error"))


def cost(logits: Tensor, sigma: Tensor, costs: Tensor) -> Results:
    """Expected cost, of costs (n, C)."""
    return _tensors(_core.expected_cost(_array(logits), _array(costs), _sigma(sigma)))


def macro_f1(logits: Tensor, sigma: Tensor, labels: Tensor, weights: Tensor | None) -> Results:
    """Macro-F1 of the batch, without dimensions."""
    arrays = _core.expected_macro_f1(
        _array(logits), _array(labels), _sigma(sigma), None if weights is None else _array(weights)
    )
    values, gradient, sigma_gradient = _tensors(arrays)
    return values[0].clone(), gradient, sigma_gradient


def pointwise(logits: Tensor, parameters: Tensor, labels: Tensor, name: str, setting: float) -> Results:
    """A loss that needs no integral."""
    return _tensors(_core.pointwise_loss(name, setting, _array(logits), _array(labels), parameters.tolist()))


def _array(values: Tensor) -> Any:
    return values.detach().contiguous().numpy()


def _sigma(sigma: Tensor) -> Any:
    return sigma.item() if sigma.ndim == 0 else _array(sigma)


def _tensors(arrays: tuple[Any, Any, Any]) -> Results:
    values, gradient, parameter_gradient = arrays
    return torch.from_numpy(values), torch.from_numpy(gradient), torch.from_numpy(parameter_gradient)
