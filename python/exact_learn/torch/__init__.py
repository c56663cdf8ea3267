"""Losses for PyTorch whose values and gradients are expected metrics of random predictions.

``ExactLoss`` takes the place of ``torch.nn.CrossEntropyLoss``::

    criterion = ExactLoss(sigma=GeometricSchedule(10.0, 0.1, steps=1000), normalize_logits=True)
    for inputs, target in batches:
        optimizer.zero_grad()
        criterion(model(inputs), target).backward()
        optimizer.step()
        criterion.step()  # the next value of the schedule

Tensors on the CPU are evaluated by the kernels of exact-core, without a copy; on other devices the same integrals are
computed by Gauss quadrature in tensor operations, and values are not checked, which would wait for the device. The
kernels split large batches over threads of their own; the environment variable RAYON_NUM_THREADS sets how many, and
results do not depend on it.
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "exact_learn.torch needs PyTorch; install it with `pip install exact-learn[torch]`", name=error.name
    ) from error

from exact_learn.torch import functional
from exact_learn.torch.gradient_normalizer import GradientNormalizer
from exact_learn.torch.logit_normalization import LogitNormalization
from exact_learn.torch.losses import ExactLoss, ExpectedCostLoss, MacroF1Loss, ProbitLoss, TopKLoss
from exact_learn.torch.pointwise import (
    BetaBernoulliLoss,
    CrossEntropyLoss,
    FocalLoss,
    HingeLoss,
    Poly1Loss,
    PolynomialLoss,
    SigmoidLoss,
)
from exact_learn.torch.sigma import CosineSchedule, GeometricSchedule, LearnedSigma

__all__ = [
    "BetaBernoulliLoss",
    "CosineSchedule",
    "CrossEntropyLoss",
    "ExactLoss",
    "ExpectedCostLoss",
    "FocalLoss",
    "GeometricSchedule",
    "GradientNormalizer",
    "HingeLoss",
    "LearnedSigma",
    "LogitNormalization",
    "MacroF1Loss",
    "Poly1Loss",
    "PolynomialLoss",
    "ProbitLoss",
    "SigmoidLoss",
    "TopKLoss",
    "functional",
]
