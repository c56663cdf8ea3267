"""Training on rows that do not fit one machine, with Ray.

``fit_partitions`` trains a classifier of :mod:`exact_learn.sklearn` on partitions of the rows::

    sources = [functools.partial(read_part, path) for path in paths]
    classifier = fit_partitions(ExactClassifier(sigma=0.1), sources)
    classifier.predict(X)
"""

try:
    import ray as _ray  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "exact_learn.ray needs Ray; install it with `pip install exact-learn[ray]`", name=error.name
    ) from error

from exact_learn.ray.partitions import fit_partitions

__all__ = ["fit_partitions"]
