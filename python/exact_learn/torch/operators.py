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
    @staticmethod
    def forward(
        ctx: Any, kernel: Callable[..., kernels.Results], logits: Tensor, parameters: Tensor, *rest: Any
    ) -> Tensor:
        results = kernel(logits, parameters, *rest)
        _setup_context(ctx, (logits, parameters, *rest), results)
        return results[0]

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("the losses of exact_learn have first derivatives only; leave out create_graph=True")
        return None, *_backward(ctx, cotangent)


def _parameter_product(cotangent: Tensor, gradient: Tensor, dimension: int) -> Tensor:
    """The product of the cotangent with the derivatives of each loss, in the shape of the parameters."""
    if gradient.ndim == 2:
        product = cotangent.unsqueeze(-1) * gradient
        return product if dimension == 2 else product.sum(dim=0)
    product = cotangent * gradient
    return product if dimension == 1 else product.sum()


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.save_for_backward(output[1], output[2])
    ctx.parameters_dimension = inputs[1].ndim
    ctx.n_rest = len(inputs) - 2


def _backward(ctx: Any, cotangent: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    logits_gradient, parameter_gradient = ctx.saved_tensors
    # The eager function has the kernel before the logits.
    logits, parameters = ctx.needs_input_grad[-2 - ctx.n_rest :][:2]
    return (
        cotangent.unsqueeze(-1) * logits_gradient if logits else None,
        _parameter_product(cotangent, parameter_gradient, ctx.parameters_dimension) if parameters else None,
        *([None] * ctx.n_rest),
    )


def _empty(logits: Tensor, parameters: Tensor, *_: Any) -> kernels.Results:
    """Tensors of the shapes that a kernel with sigmas returns."""
    n = logits.shape[0]
    sigma_gradient = logits.new_empty(logits.shape) if parameters.ndim == 2 else logits.new_empty(n)
    return logits.new_empty(n), logits.new_empty(logits.shape), sigma_gradient


def _empty_macro_f1(logits: Tensor, parameters: Tensor, *rest: Any) -> kernels.Results:
    _, logits_gradient, sigma_gradient = _empty(logits, parameters, *rest)
    return logits.new_empty(()), logits_gradient, sigma_gradient


def _empty_pointwise(logits: Tensor, parameters: Tensor, *_: Any) -> kernels.Results:
    n = logits.shape[0]
    return logits.new_empty(n), logits.new_empty(logits.shape), logits.new_empty(n, parameters.shape[0])


def _operator(
    schema: str, kernel: Callable[..., kernels.Results], empty: Callable[..., kernels.Results]
) -> Callable[..., Tensor]:
    """A differentiable operation, of whose results only the values are returned."""
    operator = torch.library.custom_op(
        f"exact_learn::{kernel.__name__}",
        kernel,
        mutates_args=(),
        device_types="cpu",
        schema=f"(Tensor logits, Tensor parameters, {schema}) -> (Tensor, Tensor, Tensor)",
    )
    operator.register_fake(empty)
    operator.register_autograd(_backward, setup_context=_setup_context)

    def apply(logits: Tensor, parameters: Tensor, *rest: Any) -> Tensor:
        if torch.compiler.is_compiling():
            values: Tensor = operator(logits, parameters, *rest)[0]
            return values
        return _Eager.apply(kernel, logits, parameters, *rest)

    return apply


accuracy = _operator("Tensor labels, float? margin, str quantity", kernels.accuracy, _empty)
top_k = _operator("Tensor labels, int k, float? margin", kernels.top_k, _empty)
cost = _operator("Tensor costs", kernels.cost, _empty)
macro_f1 = _operator("Tensor labels, Tensor? weights", kernels.macro_f1, _empty_macro_f1)
pointwise = _operator("Tensor labels, str name, float setting", kernels.pointwise, _empty_pointwise)
