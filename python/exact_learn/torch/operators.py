"""The kernels as differentiable operations.

Eager code goes through an autograd function, whose overhead is a third of a custom operator's; compiled code goes
through the custom operators, which the compiler does not look into.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from exact_learn.torch import kernels


class _Eager(torch.autograd.Function):
    # The further arguments in one tuple: autograd looks at each of its own.
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, parameters: Tensor, kernel: Callable[..., kernels.Results], rest: tuple[Any, ...]
    ) -> Tensor:
        loss, logits_gradient, parameter_gradient = kernel(logits, parameters, *rest)
        ctx.save_for_backward(logits_gradient, parameter_gradient)
        ctx.parameters = parameters.ndim, parameters.dtype
        return loss

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the losses of exact_learn have first derivatives only here; leave out create_graph=True, or take the "
                "derivatives by torch.func"
            )
        return *_gradients(ctx, cotangent), None, None


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(output[1], output[2])
    ctx.parameters = inputs[1].ndim, inputs[1].dtype
    ctx.n_rest = len(inputs) - 2


def _backward(ctx: Any, cotangent: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    return *_gradients(ctx, cotangent), *([None] * ctx.n_rest)


def _gradients(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, Tensor | None]:
    logits_gradient, parameter_gradient = ctx.saved_tensors
    return (
        _product(cotangent, logits_gradient) if ctx.needs_input_grad[0] else None,
        _parameter_product(cotangent, parameter_gradient, *ctx.parameters) if ctx.needs_input_grad[1] else None,
    )


def _product(cotangent: Tensor, gradient: Tensor) -> Tensor:
    """The product of the cotangent of a loss, or of each, with its derivatives."""
    rows = cotangent.ndim > 0 and gradient.ndim > cotangent.ndim
    return cotangent.unsqueeze(-1) * gradient if rows else cotangent * gradient


def _parameter_product(cotangent: Tensor, gradient: Tensor, dimension: int, dtype: torch.dtype) -> Tensor:
    """The product in the shape of the parameters."""
    product = _product(cotangent, gradient)
    if product.ndim > dimension:
        product = product.sum(dim=0)
    return product.to(dtype)


def _empty(logits: Tensor, parameters: Tensor, labels: Tensor, *rest: Any) -> kernels.Results:
    """Tensors of the shapes that a kernel returns."""
    reduction = rest[2]
    if reduction != "none":
        return logits.new_empty(()), logits.new_empty(logits.shape), logits.new_empty(parameters.shape)
    n = logits.shape[0]
    # A sigma per class has a row for each sample already.
    shape = parameters.shape if parameters.ndim == 2 else (n, *parameters.shape)
    return logits.new_empty(n), logits.new_empty(logits.shape), logits.new_empty(shape)


def _operator(schema: str, kernel: Callable[..., kernels.Results]) -> Callable[..., Tensor]:
    """A differentiable operation, of whose results only the loss is returned."""

    def evaluate(
        logits: Tensor,
        parameters: Tensor,
        labels: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        reduction: str,
        *rest: Any,
    ) -> kernels.Results:
        how = kernels.reduction_of(logits, weight, ignore_index, reduction)
        return kernel(logits, parameters, labels, how, *rest)

    shared = "Tensor logits, Tensor parameters, Tensor labels, Tensor? weight, int ignore_index, str reduction"
    operator = torch.library.custom_op(
        f"exact_learn::{kernel.__name__}",
        evaluate,
        mutates_args=(),
        device_types="cpu",
        schema=f"({shared}{schema}) -> (Tensor, Tensor, Tensor)",
    )
    operator.register_fake(_empty)
    operator.register_autograd(_backward, setup_context=_setup_context)

    def apply(logits: Tensor, parameters: Tensor, *rest: Any) -> Tensor:
        if torch.compiler.is_compiling():
            values: Tensor = operator(logits, parameters, *rest)[0]
            return values
        return _Eager.apply(logits, parameters, evaluate, rest)

    return apply


accuracy = _operator(", float? margin, str quantity", kernels.accuracy)
top_k = _operator(", int k, float? margin", kernels.top_k)
cost = _operator(", Tensor costs", kernels.cost)
macro_f1 = _operator("", kernels.macro_f1)
pointwise = _operator(", str loss, str setting, float value", kernels.pointwise)
