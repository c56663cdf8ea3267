"""A picture of the settings that cross-validation tried."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# By which settings are told apart, the one that is drawn along first where there is a choice.
_AXES = ("sigma", "temperature", "l2", "l1", "group_l1", "learning_rate", "epsilon", "margin")


class PathDisplay:
    """The mean scores of the settings that a classifier tried, along one hyper-parameter.

    A line joins the settings that agree in all others. matplotlib draws; it is needed for nothing else.

    Parameters
    ----------
    path : dict of arrays
        ``path_`` of a fitted classifier.
    best : dict
        Its ``best_params_``.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_iris
    >>> from exact_learn.sklearn import ExactClassifierCV, PathDisplay
    >>> classifier = ExactClassifierCV("exact").fit(*load_iris(return_X_y=True))
    >>> PathDisplay.from_estimator(classifier).ax_.get_xlabel()
    'sigma'
    """

    def __init__(self, *, path: dict[str, NDArray[Any]], best: dict[str, Any]) -> None:
        self.path = path
        self.best = best

    @classmethod
    def from_estimator(cls, estimator: Any, *, along: str | None = None, ax: Any = None) -> PathDisplay:
        """Draws the path of a fitted :class:`ExactClassifierCV` or :class:`ExactTableClassifier`.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        along : str, optional
            The hyper-parameter on the x axis; sigma by default, or what the loss has in its place.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        PathDisplay

        Raises
        ------
        ValueError
            If no setting that was tried has the hyper-parameter.
        """
        if not hasattr(estimator, "path_"):
            raise ValueError(f"{type(estimator).__name__} has no path_: it is not fitted, or chooses no settings")
        return cls(path=estimator.path_, best=estimator.best_params_).plot(along=along, ax=ax)

    def plot(self, *, along: str | None = None, ax: Any = None) -> PathDisplay:
        """Draws, as :meth:`from_estimator` does."""
        try:
            import matplotlib.pyplot as pyplot
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "PathDisplay draws with matplotlib; install it with `pip install matplotlib`", name=error.name
            ) from None
        there = [name for name in _AXES if name in self.path]
        along = there[0] if along is None else along
        if along not in there:
            raise ValueError(f"along must be one of {', '.join(there)}, by which settings differ, got {along!r}")
        others = [name for name in there if name != along]
        if ax is None:
            _, ax = pyplot.subplots()
        has = np.isfinite(self.path[along])
        # NaN is equal to no NaN; a setting without a hyper-parameter has minus one.
        keys = np.column_stack([np.nan_to_num(self.path[name], nan=-1.0) for name in others] or [np.zeros(len(has))])
        losses, loss_of = np.unique(self.path["loss"], return_inverse=True)
        keys = np.column_stack([loss_of, keys])
        self.lines_ = []
        for key in np.unique(keys[has], axis=0):
            rows = np.flatnonzero(has & (keys == key).all(axis=1))
            rows = rows[np.argsort(self.path[along][rows])]
            told = [f"{name} {value:g}" for name, value in zip(others, key[1:], strict=False) if value >= 0.0]
            named = ", ".join([str(losses[int(key[0])]), *told])
            (line,) = ax.plot(self.path[along][rows], self.path["mean_test_score"][rows], marker=".", label=named)
            self.lines_.append(line)
        if along in self.best:
            ax.axvline(self.best[along], linestyle=":", color="grey")
        ax.set(xscale="log", xlabel=along, ylabel="mean score over the folds")
        self.ax_, self.figure_ = ax, ax.figure
        return self
