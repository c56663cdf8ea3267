"""Losses that need no integral: the baselines of the paper, and cross-entropy with its relatives.

Each is stated twice: by a kernel of exact-core, which evaluates tensors on the CPU, and by a formula in tensor
operations (:mod:`exact_learn.torch.formulas`), for the devices that the kernels do not run on. To copy logits to the
CPU and gradients back would make each step wait for the device.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from exact_learn import _core
from exact_learn.torch import formulas, operators
from exact_learn.torch.classification import ClassificationLoss, no_soft_targets
from exact_learn.torch.sigma import positive


class PointwiseLoss(ClassificationLoss):
    """A loss with one setting, evaluated by the kernel of the loss on the CPU, by its formula elsewhere."""

    kernel: str
    """The name of the loss in exact-core."""
    setting_name: str
    """The name of its setting there."""
    no_parameters: Tensor

    def __init__(self, setting: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.setting = setting
        self.register_buffer("no_parameters", torch.zeros(0), persistent=False)

    def evaluate(self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None, reduction: str) -> Tensor:
        if labels.ndim == 2:
            return self.of_probabilities(logits, labels, reduction)
        # Without an integral, the formula is as good, and drops masked classes.
        masked = operators.has_values(logits) and operators.may_be_masked(logits)
        how = (self.weight, self.ignore_index, reduction)
        by = formulas.pointwise if masked else operators.pointwise
        return by(logits, self.parameters_of_loss(), labels, *how, self.kernel, self.setting_name, self.setting)

    def of_probabilities(self, logits: Tensor, probabilities: Tensor, reduction: str) -> Tensor:
        """The same with probabilities of labels (n, C)."""
        raise no_soft_targets(self)

    def extra_repr(self) -> str:
        return f"{self.setting:g}, {super().extra_repr()}"

    def parameters_of_loss(self) -> Tensor:
        """The learned parameters, in the order of the kernel."""
        return self.no_parameters


class HingeLoss(PointwiseLoss):
    """The hinge loss of Crammer and Singer, ``max(0, margin + max_{i != y} logit_i - logit_y)``.

    Parameters
    ----------
    margin : float
        At least 0.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "hinge"
    setting_name = "margin"

    def __init__(self, margin: float = 1.0, **settings: Any) -> None:
        super().__init__(_at_least("margin", margin, 0.0), **settings)


class SigmoidLoss(PointwiseLoss):
    """The sum over ``i != y`` of ``1 - sigmoid((logit_y - logit_i) / temperature)``.

    Parameters
    ----------
    temperature : float
        Positive.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "sigmoid"
    setting_name = "temperature"

    def __init__(self, temperature: float = 1.0, **settings: Any) -> None:
        super().__init__(positive("temperature", temperature), **settings)


class PolynomialLoss(PointwiseLoss):
    """The sum over ``i != y`` of ``0.25 d**3 - 0.75 d + 0.5``, d the difference over the temperature within [-1, 1].

    Parameters
    ----------
    temperature : float
        Positive.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "polynomial"
    setting_name = "temperature"

    def __init__(self, temperature: float = 1.0, **settings: Any) -> None:
        super().__init__(positive("temperature", temperature), **settings)


class BetaBernoulliLoss(PointwiseLoss):
    """The sum over ``i != y`` of ``-log(w theta + (1 - w) sigmoid((logit_y - logit_i) / temperature))``.

    The weight w, below one half, and theta are learned: hand ``parameters()`` to the optimiser.

    Parameters
    ----------
    temperature : float
        Positive.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "beta-bernoulli"
    setting_name = "temperature"

    def __init__(self, temperature: float = 1.0, **settings: Any) -> None:
        super().__init__(positive("temperature", temperature), **settings)
        # logit(2 w) and logit(theta).
        self.logits_of_mixture = nn.Parameter(torch.tensor(_core.initial_parameters(self.kernel)))

    def parameters_of_loss(self) -> Tensor:
        return self.logits_of_mixture


class Poly1Loss(PointwiseLoss):
    """Cross-entropy plus ``epsilon (1 - p_y)`` (Leng et al., arXiv 2204.12511).

    Parameters
    ----------
    epsilon : float
        At least -1.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "poly1"
    setting_name = "epsilon"

    def __init__(self, epsilon: float = 1.0, **settings: Any) -> None:
        super().__init__(_at_least("epsilon", epsilon, -1.0), **settings)


class FocalLoss(PointwiseLoss):
    """``-(1 - p_y)**gamma log p_y`` (Lin et al., arXiv 1708.02002).

    Parameters
    ----------
    gamma : float
        At least 0; 0 gives cross-entropy.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "focal"
    setting_name = "gamma"

    def __init__(self, gamma: float = 2.0, **settings: Any) -> None:
        super().__init__(_at_least("gamma", gamma, 0.0), **settings)


class CrossEntropyLoss(PointwiseLoss):
    """Cross-entropy with label smoothing, as one of the losses that are compared.

    It differs from torch.nn.CrossEntropyLoss with label smoothing and class weights together: here a sample's whole
    loss has the weight of its label.

    Parameters
    ----------
    label_smoothing : float
        At least 0 and below 1.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    kernel = "cross-entropy"
    setting_name = "label_smoothing"

    def __init__(self, label_smoothing: float = 0.0, **settings: Any) -> None:
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must be at least 0 and below 1, got {label_smoothing}")
        super().__init__(float(label_smoothing), **settings)

    def of_probabilities(self, logits: Tensor, probabilities: Tensor, reduction: str) -> Tensor:
        weight = None if self.weight is None else self.weight.to(logits)
        return functional.cross_entropy(
            logits, probabilities, weight, reduction=reduction, label_smoothing=self.setting
        )


def _at_least(name: str, value: float, bound: float) -> float:
    value = float(value)
    if not (value >= bound and math.isfinite(value)):
        raise ValueError(f"{name} must be at least {bound:g} and finite, got {value}")
    return value
