"""Train classifiers on their expected accuracy.

The scores of a sample's classes are random, ``s ~ N(logits, sigma**2)``, and the class with the largest score is
predicted. The expected metrics of such predictions are smooth, and their gradients are computed to near machine
precision. NumPy functions are in this module; losses for PyTorch are in :mod:`exact_learn.torch`.

References
----------
Karpukhin, Dereka and Kolesnikov, *EXACT: How to Train Your Accuracy*, arXiv 2205.09615.
"""

from exact_learn._core import __version__
from exact_learn.functions import (
    ValueAndGradients,
    expected_accuracy,
    expected_cost,
    predictive_distribution,
    top_k,
)

__all__ = [
    "ValueAndGradients",
    "__version__",
    "expected_accuracy",
    "expected_cost",
    "predictive_distribution",
    "top_k",
]
