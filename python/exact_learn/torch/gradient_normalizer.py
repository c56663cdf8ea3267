"""The gradient normaliser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from exact_learn import _core


class GradientNormalizer:
    """Divides an optimiser's gradients by a running mean of their norm before each of its steps.

    The scale of the gradient changes with sigma; so divided, a learning rate keeps its meaning. It takes the place of
    gradient clipping: ``m = norm`` at the first step, then ``m = 0.9 m + 0.1 norm``, and gradients are divided by
    ``max(m, 0.01)``. Gradients that are not finite are left as they are and not counted.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Used as before: its steps call the normaliser.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.tensor([0.0, 0.0]))
    >>> optimizer = torch.optim.SGD([weight], lr=1.0)
    >>> normalizer = GradientNormalizer(optimizer)
    >>> weight.grad = torch.tensor([3.0, 4.0])
    >>> optimizer.step()
    >>> weight.data
    tensor([-0.6000, -0.8000])

    References
    ----------
    Karpukhin, Dereka and Kolesnikov, arXiv 2205.09615, improvements.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.mean_norm: float | None = None
        self._hook = optimizer.register_step_pre_hook(self._before_step)

    def remove(self) -> None:
        """Leaves the optimiser's gradients alone from now on."""
        self._hook.remove()

    def state_dict(self) -> dict[str, float | None]:
        """What a checkpoint needs."""
        return {"mean_norm": self.mean_norm}

    def load_state_dict(self, state: dict[str, float | None]) -> None:
        """Continues from a checkpoint."""
        self.mean_norm = state["mean_norm"]

    @torch.no_grad()
    def normalize(self, gradients: list[Tensor]) -> None:
        """Takes the norm of all gradients together into the running mean and divides them by it, in place."""
        if not gradients:
            return
        norms = torch.stack([torch.linalg.vector_norm(part).to(gradients[0]) for part in gradients])
        norm = torch.linalg.vector_norm(norms).item()
        divisor, self.mean_norm = _core.gradient_divisor(self.mean_norm, norm)
        torch._foreach_div_(gradients, divisor)

    def _before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if any(argument is not None for argument in (*args[1:], *kwargs.values())):
            raise ValueError(
                "an optimiser with a GradientNormalizer cannot take a closure, whose gradients it would not see; "
                "compute the gradients before optimizer.step()"
            )
        groups = optimizer.param_groups
        self.normalize([p.grad for group in groups for p in group["params"] if p.grad is not None])
