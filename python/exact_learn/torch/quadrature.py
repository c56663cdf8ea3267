"""The integrals behind the losses in tensor operations, for devices that the kernels do not run on.

A second statement of what exact-core integrates, and a plainer one. It is needed where the logits are on such a device:
to copy them to the CPU and the gradients back would make each step wait for the device. The tests hold it against the
kernels, values and gradients, sample by sample.

Gauss-Legendre quadrature with the nodes and the truncation of exact-core. Derivatives come from autograd. The absolute
error of a mean over samples is about 1e-6 in float32 and 1e-12 in float64, for class sigmas that differ at most by a
factor of 2, and in float32 up to 5e-5 in its derivatives with respect to sigma; tails keep fewer digits than those of
the kernels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from exact_learn import _core


def _rule(double: bool) -> tuple[Tensor, Tensor, float]:
    """Nodes in [-1, 1], weights and truncation of exact-core's rule for values."""
    positions, weights, truncation = _core.quadrature(double)
    return torch.from_numpy(positions), torch.from_numpy(weights), truncation


_RULES = {torch.float32: _rule(double=False), torch.float64: _rule(double=True)}
# Where erfcx(-x / sqrt(2)), by which PyTorch divides in derivatives, still has a finite square.
_LARGEST = {torch.float32: 9.0, torch.float64: 26.0}
# Differences of scores that are as good as any larger one, in units of sigma: beyond them, nodes would fall together.
_FARTHEST = {torch.float32: 1e6, torch.float64: 1e12}
# Enough for hopeless and for certain samples; fixed, as to look at the error would wait for the device.
_NEWTON_STEPS = 12
_EDGE_STEPS = 6
_SQRT_TWO_OVER_PI = math.sqrt(2.0 / math.pi)
_LOG_SQRT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def log_accuracy(logits: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
    """The logarithm of expected accuracy, (n).

    With the other classes' ``x_i(z) = (mu_y - mu_i + sigma_y z) / sigma_i``, the logarithm of the integrand,
    ``-z**2 / 2 + sum log Phi(x_i(z))``, is concave, and its slope is convex. So Newton's method from 0 rises to the
    maximum, and from outside it closes in on the points where the integrand is e**-truncation of the maximum.
    """
    shift, scale, others = _differences(logits, sigma, labels)
    with torch.no_grad():
        low, high = _interval(shift, scale, others, logits.dtype)
    z, log_weights = _nodes_between(low, high)
    x = shift.unsqueeze(-1) + scale.unsqueeze(-1) * z.unsqueeze(1)
    log_phi = _log_phi(x).masked_fill(~others.unsqueeze(-1), 0.0)
    terms = log_phi.sum(dim=1) - 0.5 * z.square() + log_weights
    return (torch.logsumexp(terms, dim=-1) - _LOG_SQRT_TWO_PI).clamp(max=0.0)


def top_k_accuracy(logits: Tensor, sigma: Tensor, labels: Tensor, k: int) -> Tensor:
    """Expected top-k accuracy, (n): the distribution of the number of classes ahead, class by class at every node."""
    shift, scale, others = _differences(logits, sigma, labels)
    z, weights = _composite(logits.new_zeros(len(logits)), reach=8.5, panels=3)
    ahead = [torch.ones_like(z)] + [torch.zeros_like(z)] * (k - 1)
    for i in range(logits.shape[1]):
        x = shift[:, i, None] + scale[:, i, None] * z
        stays = torch.special.ndtr(x).masked_fill(~others[:, i, None], 1.0)
        passes = 1.0 - stays
        ahead = [ahead[0] * stays] + [ahead[j] * stays + ahead[j - 1] * passes for j in range(1, k)]
    density = torch.exp(-0.5 * z.square() - _LOG_SQRT_TWO_PI)
    return (weights * density * torch.stack(ahead).sum(dim=0)).sum(dim=-1)


def predictive_distribution(logits: Tensor, sigma: Tensor) -> Tensor:
    """The probability of each class to have the largest score, (n, C).

    ``p_c`` is the integral of ``F(t) r_c(t)`` with the distribution function F of the largest score and the classes'
    hazards ``r_c = phi(x_c) / (Phi(x_c) sigma_c)``. F is at most ``e**-truncation`` below the interval of integration.
    """
    # Of huge logits the differences are what can be computed with.
    logits = logits - logits.detach().amax(dim=-1, keepdim=True)
    sigmas = sigma.reshape(-1, 1) if sigma.ndim < 2 else sigma
    sigmas = sigmas.expand_as(logits)
    truncation = _RULES[logits.dtype][2]
    reach = math.sqrt(2.0 * truncation)
    with torch.no_grad():
        largest = logits.argmax(dim=-1, keepdim=True)
        low = (logits - reach * sigmas).gather(1, largest)
        high = (logits + reach * sigmas).amax(dim=-1, keepdim=True)
        for _ in range(_EDGE_STEPS):
            x = (low - logits) / sigmas
            slope = (_hazard(x) / sigmas).sum(dim=-1, keepdim=True)
            excess = torch.special.log_ndtr(x).sum(dim=-1, keepdim=True) + truncation
            low = low - (excess / slope).clamp(max=0.0)
        center, half = (0.5 * (low + high)).squeeze(-1), 0.5 * (high - low)
    t, weights = _composite(center, reach=half, panels=2)
    x = ((t.unsqueeze(1) - logits.unsqueeze(-1)) / sigmas.unsqueeze(-1)).clamp(max=_FARTHEST[logits.dtype])
    log_phi = _log_phi(x)
    log_hazard = -0.5 * x.square() - _LOG_SQRT_TWO_PI - log_phi
    density = torch.exp(log_phi.sum(dim=1, keepdim=True) + log_hazard) / sigmas.unsqueeze(-1)
    return (weights.unsqueeze(1) * density).sum(dim=-1)


def _differences(logits: Tensor, sigma: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shift and scale of ``x_i(z)``, (n, C), and which classes are not the label."""
    column = labels.unsqueeze(-1)
    delta = logits.gather(1, column) - logits
    sigmas = sigma if sigma.ndim == 2 else sigma.reshape(-1, 1).expand_as(logits)
    others = torch.ones_like(logits, dtype=torch.bool).scatter(1, column, False)
    farthest = _FARTHEST[logits.dtype]
    return (delta / sigmas).clamp(-farthest, farthest), sigmas.gather(1, column) / sigmas, others


def _log_phi(x: Tensor) -> Tensor:
    """log Phi(x), whose derivatives are computed without overflow; beyond the bound it is 0 up to rounding."""
    return torch.special.log_ndtr(x.clamp(max=_LARGEST[x.dtype]))


def _hazard(x: Tensor) -> Tensor:
    """phi(x) / Phi(x)."""
    return _SQRT_TWO_OVER_PI / torch.special.erfcx(-x / math.sqrt(2.0))


def _interval(shift: Tensor, scale: Tensor, others: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    truncation = _RULES[dtype][2]

    def slopes(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = shift + scale * z.unsqueeze(-1)
        hazard = (_hazard(x) * scale).masked_fill(~others, 0.0)
        curvature = torch.where(hazard > 0.0, hazard * (hazard + x * scale), 0.0)
        # Far down, where the hazard is -x up to 1 / x, the sum would cancel.
        curvature = torch.where((x < -100.0) & others, scale.square(), curvature)
        value = torch.special.log_ndtr(x).masked_fill(~others, 0.0).sum(dim=-1) - 0.5 * z.square()
        return value, hazard.sum(dim=-1) - z, -1.0 - curvature.sum(dim=-1)

    mode = torch.zeros_like(shift[:, 0])
    for _ in range(_NEWTON_STEPS):
        _, slope, curvature = slopes(mode)
        mode = mode - slope / curvature
    level = slopes(mode)[0] - truncation
    edges = []
    for sign in (-1.0, 1.0):
        edge = mode + sign * math.sqrt(2.0 * truncation)
        for _ in range(_EDGE_STEPS):
            value, slope, _ = slopes(edge)
            step = (value - level) / slope
            # Rounding must not push an edge outwards.
            edge = edge - torch.where(sign * step > 0.0, step, 0.0)
        edges.append(edge)
    return edges[0], edges[1]


def _nodes_between(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and logarithms of weights, (n, nodes)."""
    positions, weights, _ = _RULES[low.dtype]
    positions, weights = positions.to(low), weights.to(low)
    half = 0.5 * (high - low).unsqueeze(-1)
    return low.unsqueeze(-1) + half * (positions + 1.0), (half * weights).log()


def _composite(center: Tensor, reach: float | Tensor, panels: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights, (n, panels * nodes), on equal panels of the interval from center - reach to center + reach."""
    positions, weights, _ = _RULES[center.dtype]
    starts = torch.arange(panels, dtype=torch.float64) * 2.0 - (panels - 1.0)
    unit = ((starts.unsqueeze(-1) + positions) / panels).reshape(-1).to(center)
    weights = (weights / panels).repeat(panels).to(center)
    return center.unsqueeze(-1) + reach * unit, weights * reach
