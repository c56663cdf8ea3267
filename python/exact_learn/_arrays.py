"""Checks and broadcasting at the edge between NumPy and the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def float_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """An array of float32 or float64; integers become float64."""
    array = np.asarray(values)
    if array.dtype in _FLOATS:
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    raise TypeError(
        f"{name} must be float32, float64 or integers, got {array.dtype}; convert with .astype(numpy.float64)"
    )


def class_labels(labels: ArrayLike) -> NDArray[np.int64]:
    """An array of int64."""
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"labels must be integers (class indices), got {array.dtype}; convert with .astype(numpy.int64)"
        )
    return array.astype(np.int64, copy=False)


def contiguous(values: NDArray[Any]) -> NDArray[Any]:
    """The same array, or a copy as the kernels take it: row after row, at addresses that fit the type."""
    values = np.ascontiguousarray(values)
    return values if values.flags.aligned else values.copy()


class Rows:
    """Logits as rows of classes, with everything else broadcast to their leading dimensions.

    Attributes
    ----------
    shape : tuple of int
        The leading dimensions, (...).
    logits : array, (n, C)
        C-contiguous; not copied if it is already.
    sigma : float or array, (n,) or (n, C)
    """

    def __init__(self, logits: ArrayLike, sigma: ArrayLike, *leading: tuple[int, ...]) -> None:
        array = float_array("logits", logits)
        if array.ndim == 0 or array.shape[-1] == 0:
            raise ValueError(f"logits must have shape (..., classes) with at least one class, got {array.shape}")
        self.n_classes = array.shape[-1]
        sigmas = sigma if type(sigma) is float else self._sigma_array(sigma, array)
        per_class = not isinstance(sigmas, float) and sigmas.ndim == array.ndim
        shapes = [array.shape[:-1], *leading]
        if not isinstance(sigmas, float):
            shapes.append(sigmas.shape[:-1] if per_class else sigmas.shape)
        self.shape = shapes[0]
        if any(shape != self.shape for shape in shapes):
            self.shape = _broadcast_shape(shapes)
        self.logits = self.rows(array)
        if isinstance(sigmas, float):
            self.sigma: float | NDArray[Any] = sigmas
        else:
            self.sigma = self.rows(sigmas) if per_class else self.flat(sigmas)

    @staticmethod
    def _sigma_array(sigma: ArrayLike, logits: NDArray[Any]) -> float | NDArray[Any]:
        sigmas = float_array("sigma", sigma)
        if sigmas.ndim == 0:
            return float(sigmas)
        if sigmas.ndim == logits.ndim and sigmas.shape[-1] not in (1, logits.shape[-1]):
            raise ValueError(
                f"sigma of shape {sigmas.shape} does not fit logits of shape {logits.shape}: "
                "give a number, one per sample (the leading dimensions) or one per sample and class"
            )
        if sigmas.ndim > logits.ndim:
            raise ValueError(
                f"sigma has {sigmas.ndim} dimensions, more than the {logits.ndim} of the logits: "
                "give a number, one per sample (the leading dimensions) or one per sample and class"
            )
        return sigmas.astype(logits.dtype, copy=False)

    def rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values per sample and class, (..., C), as rows, (n, C), of the type of the logits."""
        shape = (*self.shape, self.n_classes)
        if values.shape != shape:
            values = np.broadcast_to(values, shape)
        return contiguous(values.reshape(-1, self.n_classes))

    def flat(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values per sample, (...), in one dimension, (n,)."""
        if values.shape != self.shape:
            values = np.broadcast_to(values, self.shape)
        return contiguous(values.reshape(-1))

    def restore(self, values: NDArray[Any]) -> Any:
        """Results for the rows in the leading dimensions of the input."""
        return values.reshape(self.shape + values.shape[1:])[()]


def _broadcast_shape(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = ", ".join(str(shape) for shape in shapes)
        raise ValueError(
            f"the leading dimensions of logits, labels, costs and sigma must broadcast, got {shown}; "
            "logits have one more dimension, the classes, than labels"
        ) from None
