"""The losses as differentiable operations: by the kernels where they can evaluate a tensor, by formulas elsewhere.

Eager code goes through an autograd function, whose overhead is a third of a custom operator's; compiled code goes
through the custom operators, which the compiler does not look into.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from exact_learn.torch import formulas, kernels


def on_cpu(logits: Tensor) -> bool:
    """Whether the kernels can evaluate the tensor.

    They have no part in ``torch.func`` and in derivatives in forward mode, which need to look into each operation.
    """
    transformed = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    return logits.is_cpu and not transformed


def has_values(tensor: Tensor) -> bool:
    """Whether one can look at values without waiting for a device or breaking a graph."""
    return not torch.compiler.is_compiling() and on_cpu(tensor)


def may_be_masked(logits: Tensor) -> bool:
    """Whether a logit is minus infinity; True where one cannot look."""
    return not has_values(logits) or bool((logits == -math.inf).any())


class _Eager(torch.autograd.Function):
    # The further arguments in one tuple: autograd looks at each of its own.
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        parameters: Tensor,
        kernel: Callable[..., kernels.Results],
        formula: Callable[..., Tensor],
        rest: tuple[Any, ...],
    ) -> Tensor:
        loss, logits_gradient, parameter_gradient = kernel(logits, parameters, *rest)
        ctx.save_for_backward(logits_gradient, parameter_gradient, logits, parameters)
        ctx.parameters = parameters.ndim, parameters.dtype
        ctx.formula, ctx.rest = formula, rest
        return loss

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        by = _differentiable_gradients if torch.is_grad_enabled() else _gradients
        return *by(ctx, cotangent), None, None, None


def _differentiable_gradients(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """The gradients by the formula, through which they can be differentiated."""
    inputs = ctx.saved_tensors[2:]
    wanted = [tensor for tensor, needed in zip(inputs, ctx.needs_input_grad, strict=False) if needed]
    loss = ctx.formula(*inputs, *ctx.rest)
    found = iter(torch.autograd.grad(loss, wanted, cotangent, create_graph=True))
    return next(found) if ctx.needs_input_grad[0] else None, next(found) if ctx.needs_input_grad[1] else None


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(output[1], output[2])
    ctx.parameters = inputs[1].ndim, inputs[1].dtype
    ctx.n_rest = len(inputs) - 2


def _backward(ctx: Any, cotangent: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    return *_gradients(ctx, cotangent), *([None] * ctx.n_rest)


def _gradients(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, Tensor | None]:
    logits_gradient, parameter_gradient = ctx.saved_tensors[:2]
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


def _operator(
    schema: str, kernel: Callable[..., kernels.Results], formula: Callable[..., Tensor]
) -> Callable[..., Tensor]:
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
        if not on_cpu(logits):
            return formula(logits, parameters, *rest)
        if torch.compiler.is_compiling():
            values: Tensor = operator(logits, parameters, *rest)[0]
            return values
        return _Eager.apply(logits, parameters, evaluate, formula, rest)

    return apply


accuracy = _operator(", float? margin, str quantity", kernels.accuracy, formulas.accuracy)
top_k = _operator(", int k, float? margin", kernels.top_k, formulas.top_k)
cost = _operator(", Tensor costs", kernels.cost, formulas.cost)
macro_f1 = _operator("", kernels.macro_f1, formulas.batch_macro_f1)
pointwise = _operator(", str loss, str setting, float value", kernels.pointwise, formulas.pointwise)
