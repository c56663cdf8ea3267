"""Expected metrics as losses: the class scores are normal with the logits as means and a common sigma."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from exact_learn.torch import classification, operators, quadrature
from exact_learn.torch.classification import ClassificationLoss
from exact_learn.torch.logit_normalization import LogitNormalization
from exact_learn.torch.sigma import positive

Sigma = float | Callable[[int], float] | Tensor | nn.Module


class ScoreLoss(ClassificationLoss):
    """A loss on random class scores ``s ~ N(logits, sigma**2)``.

    Parameters
    ----------
    sigma : number, schedule, Tensor, Parameter or Module
        The standard deviation of the scores. A schedule is called with the number of calls of :meth:`step` so far, as
        :class:`GeometricSchedule`. The gradient flows to a Parameter or tensor, without dimensions or broadcasting to
        (N, C), and into a module, which is called without arguments, as :class:`LearnedSigma`.
    margin : float, optional
        Differences between the label's logit and the others are clipped at it: samples are not pushed further.
    normalize_logits : bool
        Normalise the logits by :class:`LogitNormalization` first.
    weight, ignore_index, reduction
        As in torch.nn.CrossEntropyLoss.
    """

    sigma: Tensor | nn.Module
    _sigma_place = 0
    """Where sigma is among the arguments by position."""

    def __new__(cls, *arguments: Any, **settings: Any) -> Any:
        # Where other losses have the weights of classes.
        if len(arguments) > cls._sigma_place:
            sigma = arguments[cls._sigma_place]
            if isinstance(sigma, Tensor) and sigma.ndim > 0:
                raise TypeError(
                    f"{cls.__name__} takes sigma by position, not a tensor of shape {tuple(sigma.shape)}; "
                    "give weights of classes as weight=…, and a sigma per class or sample as sigma=…"
                )
        return super().__new__(cls)

    def __init__(
        self,
        sigma: Sigma = 1.0,
        *,
        margin: float | None = None,
        normalize_logits: bool = False,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
        if margin is not None and not margin >= 0.0:
            raise ValueError(f"margin must be at least 0, got {margin}")
        self.margin = None if margin is None else float(margin)
        self.normalization = LogitNormalization() if normalize_logits else None
        self.schedule: Callable[[int], float] | None = None
        self.steps = 0
        if callable(sigma) and not isinstance(sigma, nn.Module):
            self.schedule = sigma
            sigma = sigma(0)
        self.sigma = sigma

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, _checked_sigma(value) if name == "sigma" else value)

    def step(self) -> None:
        """Moves to the next value of the schedule of sigma; without one, does nothing."""
        if self.schedule is not None:
            self.steps += 1
            self._follow(self.schedule)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        # The place in the schedule, in a tensor, as all that is stored with a model; without a schedule there is none.
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.schedule is not None:
            destination[f"{prefix}steps"] = torch.tensor(self.steps)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # Models that were trained with another loss have no place; older versions had it in a dictionary.
        old = state_dict.pop(f"{prefix}_extra_state", None)
        steps = state_dict.pop(f"{prefix}steps", None if old is None else old["steps"])
        super()._load_from_state_dict(state_dict, prefix, *rest)
        if self.schedule is not None and steps is not None:
            self.steps = int(steps)
            self._follow(self.schedule)

    def _follow(self, schedule: Callable[[int], float]) -> None:
        # In place, so that compiled code needs no compilation.
        if isinstance(self.sigma, Tensor):
            self.sigma.fill_(positive("sigma", schedule(self.steps)))

    def extra_repr(self) -> str:
        shown = [f"sigma={self.sigma.tolist()}"] if isinstance(self.sigma, Tensor) else []
        if self.margin is not None:
            shown.append(f"margin={self.margin}")
        return ", ".join([*shown, super().extra_repr()])

    def by_kernel(self, logits: Tensor, labels: Tensor) -> Tensor:
        if self.normalization is not None:
            counted, _, weights = self.weighted(logits, labels)
            logits = self.normalization(counted, weights)
        return self.kernel(logits, self.sigma_of(logits), labels, self.weight, self.ignore_index, self.reduction)

    def sample_losses(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        if self.normalization is not None:
            logits = self.normalization(logits, weights)
        return self.expected_losses(logits, self.positive_sigma_of(logits), labels)

    def of_probabilities(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        if self.weight is not None:
            if len(self.weight) != logits.shape[1]:
                raise ValueError(f"weight has {len(self.weight)} entries, expected {logits.shape[1]}, one per class")
            probabilities = probabilities * self.weight.to(probabilities)
        costs = self.costs_of(probabilities)
        if costs is None:
            return super().of_probabilities(logits, probabilities)
        if self.margin is not None:
            raise ValueError("a margin is from the logit of the label: leave it out with soft targets")
        if self.normalization is not None:
            logits = self.normalization(logits)
        if classification.on_cpu(logits) and not probabilities.requires_grad:
            # Each sample is a label of its own, with its row of costs.
            samples = torch.arange(len(logits))
            return operators.cost(logits, self.sigma_of(logits), samples, None, -1, self.reduction, costs)
        distribution = quadrature.predictive_distribution(logits, self.positive_sigma_of(logits))
        return self.reduced((costs * distribution).sum(dim=-1), logits.new_ones(len(logits)))

    def costs_of(self, probabilities: Tensor) -> Tensor | None:
        """What each prediction costs, (n, C), for probabilities of labels (n, C); None where the loss is no cost."""
        return None

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, *reduction: Any) -> Tensor:
        """The loss for scores with means (n, C) and sigma () or (n, C), reduced by weight, ignore_index, reduction."""
        raise NotImplementedError

    def expected_losses(self, means: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        """The losses (n) in tensor operations."""
        raise NotImplementedError

    def sigma_of(self, logits: Tensor) -> Tensor:
        """Sigma for the logits, () or (n, C)."""
        sigma = self.sigma if isinstance(self.sigma, Tensor) else self.sigma()
        if sigma.ndim == 0:
            return sigma
        try:
            return sigma.to(logits).expand(logits.shape)
        except RuntimeError:
            raise ValueError(
                f"sigma of shape {tuple(sigma.shape)} does not broadcast to logits of shape {tuple(logits.shape)}"
            ) from None

    def positive_sigma_of(self, logits: Tensor) -> Tensor:
        """The same where nothing can be refused without waiting for the device: NaN where it is not positive."""
        sigma = self.sigma_of(logits).to(logits)
        return torch.where(sigma > 0.0, sigma, math.nan)

    def clipped(self, means: Tensor, labels: Tensor) -> Tensor:
        """The means, of which those more than the margin below the label's are lifted."""
        if self.margin is None:
            return means
        # Labels that are not classes are left to the kernel to ignore or to refuse.
        column = labels.clamp(0, means.shape[1] - 1).unsqueeze(-1)
        floor = means.gather(1, column) - self.margin
        return torch.where(means < floor, floor, means)


def _checked_sigma(sigma: Any) -> Tensor | nn.Module:
    """Sigma as a tensor of a floating type or a module."""
    if isinstance(sigma, nn.Module):
        return sigma
    if not isinstance(sigma, Tensor):
        # Not a buffer: it keeps its precision on all devices, and compiled code sees it change.
        return torch.tensor(positive("sigma", sigma), dtype=torch.float64)
    if sigma.is_complex() or sigma.dtype == torch.bool:
        raise TypeError(f"sigma must be a tensor of a floating type, got {sigma.dtype}")
    return sigma if sigma.is_floating_point() else sigma.to(torch.float64)


class ExactLoss(ScoreLoss):
    r"""Expected error, one minus the expected accuracy of random scores.

    .. math:: 1 - P(s_y > \max_{i \ne y} s_i)

    Parameters
    ----------
    sigma, margin, normalize_logits, weight, ignore_index, reduction
        As in :class:`ScoreLoss`.

    Examples
    --------
    >>> loss = ExactLoss(sigma=0.5)
    >>> # Two classes: 1 - Phi(1 / (0.5 sqrt(2))).
    >>> loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    tensor(0.0786)

    References
    ----------
    Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615. They estimate value and
    gradient by Monte Carlo; here both are computed by quadrature.
    """

    def costs_of(self, probabilities: Tensor) -> Tensor:
        return probabilities.sum(dim=-1, keepdim=True) - probabilities

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, *reduction: Any) -> Tensor:
        return operators.accuracy(means, sigma, labels, *reduction, self.margin, "error")

    def expected_losses(self, means: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        return -torch.expm1(quadrature.log_accuracy(means, sigma, labels, self.margin))


class ProbitLoss(ScoreLoss):
    r"""The negative logarithm of expected accuracy: multinomial probit regression.

    .. math:: -\log P(s_y > \max_{i \ne y} s_i)

    It is convex in the logits, and its gradient does not vanish for badly misclassified samples.

    Parameters
    ----------
    sigma, margin, normalize_logits, weight, ignore_index, reduction
        As in :class:`ScoreLoss`.
    """

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, *reduction: Any) -> Tensor:
        return -operators.accuracy(means, sigma, labels, *reduction, self.margin, "log")

    def expected_losses(self, means: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        return -quadrature.log_accuracy(means, sigma, labels, self.margin)


class TopKLoss(ScoreLoss):
    """Expected top-k error: the probability that at least k scores exceed the label's.

    Parameters
    ----------
    k : int
        How many guesses there are, at least 1. For 1, :class:`ExactLoss` is faster.
    sigma, margin, normalize_logits, weight, ignore_index, reduction
        As in :class:`ScoreLoss`.
    """

    _sigma_place = 1

    def __init__(self, k: int, sigma: Sigma = 1.0, **settings: Any) -> None:
        super().__init__(sigma, **settings)
        self.k = operator.index(k)
        if self.k < 1:
            raise ValueError(f"k must be at least 1, got {k}")

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, *reduction: Any) -> Tensor:
        return operators.top_k(means, sigma, labels, *reduction, min(self.k, means.shape[1]), self.margin)

    def expected_losses(self, means: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        k = min(self.k, means.shape[1])
        return 1.0 - quadrature.top_k_accuracy(means, sigma, labels, k, self.margin)

    def extra_repr(self) -> str:
        return f"k={self.k}, {super().extra_repr()}"


class ExpectedCostLoss(ScoreLoss):
    """The expected cost of the predictions under a cost matrix.

    Parameters
    ----------
    costs : Tensor, (labels, C)
        Row y holds what each prediction costs for the label y. There may be more predictions than labels: an option to
        reject is a further class, with a logit of its own, that is never a label.
    sigma, margin, normalize_logits, weight, ignore_index, reduction
        As in :class:`ScoreLoss`; `weight` has an entry per label.
    """

    costs: Tensor
    _sigma_place = 1

    def __init__(self, costs: Tensor, sigma: Sigma = 1.0, **settings: Any) -> None:
        super().__init__(sigma, **settings)
        costs = torch.as_tensor(costs)
        costs = costs if costs.is_floating_point() else costs.to(torch.get_default_dtype())
        if costs.ndim != 2 or costs.numel() == 0 or not bool(costs.isfinite().all()):
            raise ValueError(f"costs must be a matrix (labels, predictions) of finite numbers, got {costs}")
        self.register_buffer("costs", costs)

    def costs_of(self, probabilities: Tensor) -> Tensor:
        self._check_width(probabilities)
        if self.costs.shape[0] != probabilities.shape[1]:
            raise ValueError(f"costs have {self.costs.shape[0]} rows, expected {probabilities.shape[1]}, one per class")
        return probabilities @ self.costs.to(probabilities)

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, *reduction: Any) -> Tensor:
        self._check_width(means)
        return operators.cost(self.clipped(means, labels), sigma, labels, *reduction, self.costs)

    def expected_losses(self, means: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        self._check_width(means)
        distribution = quadrature.predictive_distribution(self.clipped(means, labels), sigma)
        return (self.costs[labels].to(means) * distribution).sum(dim=-1)

    def _check_width(self, means: Tensor) -> None:
        n_predictions = self.costs.shape[1]
        if n_predictions != means.shape[1]:
            raise ValueError(f"costs have {n_predictions} columns, expected {means.shape[1]}, one per logit")

    def n_labels(self, logits: Tensor) -> int:
        return self.costs.shape[0]


class MacroF1Loss(ScoreLoss):
    r"""One minus the macro-F1 of a batch from expected counts.

    .. math:: 1 - \frac{1}{k} \sum_c \frac{2 TP_c}{N_c + M_c}

    over the k classes that occur, with the expected true positives, the samples and the expected predictions of each
    class. It is a loss of the whole batch, not a mean over samples: small batches are not a sample of large ones.

    Parameters
    ----------
    sigma, margin, normalize_logits, weight, ignore_index
        As in :class:`ScoreLoss`.
    """

    def __init__(self, sigma: Sigma = 1.0, **settings: Any) -> None:
        if "reduction" in settings:
            raise TypeError("MacroF1Loss has no reduction: it is one number per batch")
        super().__init__(sigma, **settings)

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, *reduction: Any) -> Tensor:
        return 1.0 - operators.macro_f1(self.clipped(means, labels), sigma, labels, *reduction)

    def by_formula(self, logits: Tensor, labels: Tensor) -> Tensor:
        logits, labels, weights = self.weighted(logits, labels)
        if self.normalization is not None:
            logits = self.normalization(logits, weights)
        means, sigma = self.clipped(logits, labels), self.positive_sigma_of(logits)
        return 1.0 - _macro_f1(quadrature.predictive_distribution(means, sigma), labels, weights)


def _macro_f1(distribution: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    column = weights.unsqueeze(-1)
    truth = column * nn.functional.one_hot(labels, distribution.shape[1])
    hits, counts, predicted = (truth * distribution).sum(0), truth.sum(0), (column * distribution).sum(0)
    occurs = counts > 0.0
    return torch.where(occurs, 2.0 * hits / (counts + predicted), 0.0).sum() / occurs.sum()
