"""Expected metrics as losses: the class scores are normal with the logits as means and a common sigma."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from exact_learn.torch import formulas, operators
from exact_learn.torch.classification import ClassificationLoss, no_soft_targets
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
        self.sigma = _checked_sigma(sigma)

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

    def evaluate(self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None, reduction: str) -> Tensor:
        if labels.ndim == 2:
            return self._of_probabilities(logits, labels, sample_weight, reduction)
        means, sigma, margin = self.scores(logits, labels, sample_weight)
        return self.kernel(means, sigma, labels, margin, self.weight, self.ignore_index, reduction)

    def scores(
        self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor, float | None]:
        """Means (n, C) and sigma, () or (n, C), of the scores, and the margin, unless the means have it already."""
        if self.normalization is not None:
            n_labels = self.n_labels(logits)
            logits, _, weights = formulas.counted(logits, labels, self.weight, self.ignore_index, n_labels)
            logits = self.normalization(logits, weights if sample_weight is None else weights * sample_weight)
        sigma = self.sigma_of(logits)
        if not operators.may_be_masked(logits):
            return logits, sigma, self.margin
        # The label stays what it is, for the kernels to refuse where it is masked.
        column = labels.clamp(0, logits.shape[1] - 1).unsqueeze(-1)
        rivals = torch.ones_like(logits, dtype=torch.bool).scatter(1, column, False)
        return _below_all(formulas.clipped(logits, labels, self.margin), sigma, rivals), sigma, None

    def _of_probabilities(
        self, logits: Tensor, probabilities: Tensor, sample_weight: Tensor | None, reduction: str
    ) -> Tensor:
        if self.weight is not None:
            if len(self.weight) != logits.shape[1]:
                raise ValueError(f"weight has {len(self.weight)} entries, expected {logits.shape[1]}, one per class")
            probabilities = probabilities * self.weight.to(probabilities)
        costs = self.costs_of(probabilities)
        if costs is None:
            raise no_soft_targets(self)
        if self.margin is not None:
            raise ValueError("a margin is from the logit of the label: leave it out with soft targets")
        if self.normalization is not None:
            logits = self.normalization(logits, sample_weight)
        sigma = self.sigma_of(logits)
        if operators.may_be_masked(logits):
            logits = _below_all(logits, sigma)
        # Each sample is a label of its own, with its row of costs. The kernel has no gradient for these.
        samples = torch.arange(len(logits), device=logits.device)
        by = formulas.cost if costs.requires_grad else operators.cost
        return by(logits, sigma, samples, None, -1, reduction, costs)

    def costs_of(self, probabilities: Tensor) -> Tensor | None:
        """What each prediction costs, (n, C), for probabilities of labels (n, C); None where the loss is no cost."""
        return None

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, *reduction: Any) -> Tensor:
        """The loss for scores with means (n, C) and sigma () or (n, C), reduced by weight, ignore_index, reduction."""
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


def _below_all(means: Tensor, sigma: Tensor, masked: Tensor | None = None) -> Tensor:
    """Means of which those of minus infinity, masked classes, are so low that they never have the largest score."""
    masked = (means == -math.inf) if masked is None else masked & (means == -math.inf)
    with torch.no_grad():
        lowest = torch.where(means == -math.inf, math.inf, means).amin(dim=-1, keepdim=True)
        reach = 1000.0 * (sigma if sigma.ndim == 0 else sigma.amax(dim=-1, keepdim=True))
        floor = (lowest - lowest.abs() - reach.to(means)).clamp(min=torch.finfo(means.dtype).min)
    return torch.where(masked, floor, means)


def _checked_sigma(sigma: Any) -> Tensor | nn.Module:
    """Sigma as a tensor of a floating type or a module."""
    if isinstance(sigma, nn.Module):
        return sigma
    if not isinstance(sigma, Tensor):
        # Not a buffer: it keeps its precision on all devices, and compiled code sees it change.
        return torch.tensor(positive("sigma", sigma), dtype=torch.float64, device="cpu")
    if sigma.is_complex() or sigma.dtype == torch.bool:
        raise TypeError(f"sigma must be a tensor of a floating type, got {sigma.dtype}")
    return sigma if sigma.is_floating_point() else sigma.to(torch.float64)


def _smoothing(label_smoothing: float, margin: float | None) -> float:
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing must be at least 0 and at most 1, got {label_smoothing}")
    if label_smoothing > 0.0 and margin is not None:
        raise ValueError("a margin is from the logit of the label: leave it out with label smoothing")
    return float(label_smoothing)


class ExactLoss(ScoreLoss):
    r"""Expected error, one minus the expected accuracy of random scores.

    .. math:: 1 - P(s_y > \max_{i \ne y} s_i)

    Parameters
    ----------
    sigma, margin, weight, ignore_index, reduction
        As in :class:`ScoreLoss`. Without a sigma, it is 1 in units of the standard deviation of the logits, which are
        normalised.
    normalize_logits : bool, optional
        As in :class:`ScoreLoss`; by default where no sigma is given.
    label_smoothing : float
        The part of the label that all classes share, at least 0 and at most 1, and 0 with a margin. The loss is linear
        in the label and the errors of all classes add up to C - 1, so that this scales the gradient by
        ``1 - label_smoothing`` and does nothing else.

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

    def __init__(
        self,
        sigma: Sigma | None = None,
        *,
        normalize_logits: bool | None = None,
        label_smoothing: float = 0.0,
        **settings: Any,
    ) -> None:
        # What sigma means depends on the scale of the logits; who gives none leaves that to the loss.
        normalized = sigma is None if normalize_logits is None else normalize_logits
        super().__init__(1.0 if sigma is None else sigma, normalize_logits=normalized, **settings)
        self.label_smoothing = _smoothing(label_smoothing, self.margin)

    def costs_of(self, probabilities: Tensor) -> Tensor:
        total = probabilities.sum(dim=-1, keepdim=True)
        return total - torch.lerp(probabilities, total / probabilities.shape[1], self.label_smoothing)

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, *reduction: Any) -> Tensor:
        error = operators.accuracy(means, sigma, labels, *reduction, margin, "error")
        if self.label_smoothing == 0.0:
            return error
        # The errors of all classes add up to C - 1.
        weight, ignore_index, total = reduction
        weights = formulas.counted(means, labels, weight, ignore_index, means.shape[1])[2]
        share = formulas.reduced(torch.full_like(weights, 1.0 - 1.0 / means.shape[1]), weights, total)
        return torch.lerp(error, share, self.label_smoothing)


class ProbitLoss(ScoreLoss):
    r"""The negative logarithm of expected accuracy: multinomial probit regression.

    .. math:: -\log P(s_y > \max_{i \ne y} s_i)

    It is convex in the logits, and its gradient does not vanish for badly misclassified samples.

    Parameters
    ----------
    sigma, margin, normalize_logits, weight, ignore_index, reduction
        As in :class:`ScoreLoss`.
    """

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, *reduction: Any) -> Tensor:
        return -operators.accuracy(means, sigma, labels, *reduction, margin, "log")


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

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, *reduction: Any) -> Tensor:
        return operators.top_k(means, sigma, labels, *reduction, min(self.k, means.shape[1]), margin)

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
    label_smoothing : float
        The part of the label that all labels share, at least 0 and at most 1, and 0 with a margin.
    """

    costs: Tensor
    _sigma_place = 1

    def __init__(self, costs: Tensor, sigma: Sigma = 1.0, *, label_smoothing: float = 0.0, **settings: Any) -> None:
        super().__init__(sigma, **settings)
        self.label_smoothing = _smoothing(label_smoothing, self.margin)
        costs = torch.as_tensor(costs)
        costs = costs if costs.is_floating_point() else costs.to(torch.get_default_dtype())
        if costs.ndim != 2 or costs.numel() == 0 or not (costs.is_meta or bool(costs.isfinite().all())):
            raise ValueError(f"costs must be a matrix (labels, predictions) of finite numbers, got {costs}")
        self.register_buffer("costs", costs)

    def costs_of(self, probabilities: Tensor) -> Tensor:
        self._check_width(probabilities)
        if self.costs.shape[0] != probabilities.shape[1]:
            raise ValueError(f"costs have {self.costs.shape[0]} rows, expected {probabilities.shape[1]}, one per class")
        return probabilities @ self._smoothed_costs().to(probabilities)

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, *reduction: Any) -> Tensor:
        self._check_width(means)
        costs = self._smoothed_costs()
        return operators.cost(formulas.clipped(means, labels, margin), sigma, labels, *reduction, costs)

    def _smoothed_costs(self) -> Tensor:
        if self.label_smoothing == 0.0:
            return self.costs
        return torch.lerp(self.costs, self.costs.mean(dim=0, keepdim=True), self.label_smoothing)

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

    def of_rows(self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None) -> Tensor:
        if sample_weight is None or labels.ndim == 2:
            return super().of_rows(logits, labels, None)
        means, sigma, margin = self.scores(logits, labels, sample_weight)
        counted = (self.weight, self.ignore_index, self.n_labels(means))
        means, labels, weights = formulas.counted(formulas.clipped(means, labels, margin), labels, *counted)
        return 1.0 - formulas.macro_f1(means, sigma, labels, weights * sample_weight)

    def kernel(self, means: Tensor, sigma: Tensor, labels: Tensor, margin: float | None, *reduction: Any) -> Tensor:
        return 1.0 - operators.macro_f1(formulas.clipped(means, labels, margin), sigma, labels, *reduction)
