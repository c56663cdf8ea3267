"""The NumPy functions against closed forms, finite differences and each other; every input that is refused."""

import doctest
import functools
import importlib.metadata
import math
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import exact_learn
from exact_learn import _core, expected_accuracy, expected_cost, functions, predictive_distribution, top_k

DTYPES = [np.float32, np.float64]
# The promises of exact-core: near machine precision in float64, 4e-7 in float32.
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-13}
STEP = 1e-5
DIFFERENCE_TOLERANCE = 1e-8


def normal_distribution(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def random_batch(n=7, n_classes=5, dtype=np.float64, seed=1):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, n_classes)).astype(dtype)
    return logits, generator.integers(n_classes, size=n)


def check_gradient(function, at, gradient):
    """Compares the gradient of a scalar function with central differences."""
    at = np.asarray(at, dtype=np.float64)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = STEP
        difference = (function(at + step) - function(at - step)) / (2 * STEP)
        size = max(1.0, abs(difference))
        assert abs(np.asarray(gradient)[index] - difference) < DIFFERENCE_TOLERANCE * size, index


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
def test_two_classes_have_a_closed_form(dtype, sigma):
    for delta in [-3.0, -0.5, 0.0, 0.25, 2.0]:
        expected = normal_distribution(delta / (sigma * math.sqrt(2.0)))
        found = expected_accuracy(np.array([delta, 0.0], dtype), 0, sigma)
        assert found.dtype == dtype
        assert abs(found - expected) < TOLERANCE[dtype]
        logarithm = expected_accuracy(np.array([delta, 0.0], dtype), 0, sigma, log=True)
        assert abs(logarithm - math.log(expected)) < 1e-5
        distribution = predictive_distribution(np.array([delta, 0.0], dtype), sigma)
        assert abs(distribution[1] - (1.0 - expected)) < TOLERANCE[dtype]


def test_sigmas_of_two_classes_add_up():
    found = expected_accuracy([1.0, 0.0], 0, [0.3, 0.4])
    assert abs(found - normal_distribution(1.0 / 0.5)) < TOLERANCE[np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ratio", [2.0, 3.0, 7.0, 15.0, 299.0])
def test_sigmas_of_classes_may_differ_much(ratio, dtype):
    """Against the trapezoidal rule, which is precise when it is much finer than the steps of the integrand."""
    generator = np.random.default_rng(7)
    sigma = np.exp(generator.uniform(0.0, math.log(ratio), (20, 4)))
    sigma[:, 0], sigma[:, 1] = ratio * 0.999, 1.0
    logits = (0.7 * ratio * generator.normal(size=(20, 4))).astype(dtype)
    sigma = sigma.astype(dtype)
    z = np.linspace(-9.0, 9.0, 40001)
    integrand = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi) * (18.0 / 40000)
    phi = np.vectorize(normal_distribution)
    means, deviations = logits.astype(np.float64), sigma.astype(np.float64)
    for row in range(5):
        terms = integrand.copy()
        for other in (1, 2, 3):
            shift = means[row, 0] - means[row, other] + deviations[row, 0] * z
            terms *= phi(shift / deviations[row, other])
        expected = terms.sum()
        assert abs(expected_accuracy(logits[row], 0, sigma[row]) - expected) < 10 * TOLERANCE[dtype]
        assert abs(predictive_distribution(logits[row], sigma[row])[0] - expected) < 10 * TOLERANCE[dtype]
        assert abs(top_k(logits[row], 0, 1, sigma[row]) - expected) < 10 * TOLERANCE[dtype]


def test_logarithm_is_finite_where_the_probability_underflows():
    value, gradient, _ = expected_accuracy([-100.0, 0.0, 1.0], 0, log=True, gradient=True)
    assert expected_accuracy([-100.0, 0.0, 1.0], 0) == 0.0
    # The exponent z²/2 + (100 - z)²/2 + (101 - z)²/2 at its minimum, z = 67, is 3367.
    assert -3400 < value < -3367
    assert gradient[0] > 10.0


@pytest.mark.parametrize("n", [1, 7, 600])
def test_classes_share_the_probability(n):
    logits, _ = random_batch(n, 40)
    each = expected_accuracy(logits[:, None, :], np.arange(40), 0.7)
    assert each.shape == (n, 40)
    np.testing.assert_allclose(each.sum(axis=1), 1.0, atol=1e-13)
    np.testing.assert_allclose(each, predictive_distribution(logits, 0.7), atol=1e-12)


SIGMAS = [0.8, np.linspace(0.5, 1.5, 7), np.linspace(0.5, 1.5, 35).reshape(7, 5)]
COSTS = np.random.default_rng(2).normal(size=(5, 5))
METRICS = {
    "accuracy": expected_accuracy,
    "log accuracy": functools.partial(expected_accuracy, log=True),
    "top-k": lambda logits, labels, sigma, **options: top_k(logits, labels, 2, sigma, **options),
    "cost": lambda logits, labels, sigma, **options: expected_cost(logits, COSTS, labels, sigma, **options),
}


@pytest.mark.parametrize("sigma", SIGMAS, ids=["number", "per sample", "per class"])
@pytest.mark.parametrize("name", METRICS)
def test_gradients_agree_with_differences(name, sigma):
    logits, labels = random_batch()
    metric = METRICS[name]
    value, logits_gradient, sigma_gradient = metric(logits, labels, sigma, gradient=True)
    assert value.shape == (7,)
    check_gradient(lambda x: metric(x, labels, sigma).sum(), logits, logits_gradient)
    expected = sigma_gradient.sum() if isinstance(sigma, float) else sigma_gradient
    check_gradient(lambda s: metric(logits, labels, s).sum(), sigma, expected)


def test_vector_jacobian_product_agrees_with_differences():
    logits, _ = random_batch()
    cotangent = np.random.default_rng(3).normal(size=logits.shape)
    value, logits_gradient, sigma_gradient = predictive_distribution(logits, 0.6, cotangent=cotangent)
    np.testing.assert_array_equal(value, predictive_distribution(logits, 0.6))
    check_gradient(lambda x: (cotangent * predictive_distribution(x, 0.6)).sum(), logits, logits_gradient)
    check_gradient(lambda s: (cotangent * predictive_distribution(logits, s)).sum(), 0.6, sigma_gradient.sum())


def test_top_k_of_one_is_accuracy_and_of_all_is_certain():
    logits, labels = random_batch()
    np.testing.assert_allclose(top_k(logits, labels, 1), expected_accuracy(logits, labels), atol=1e-13)
    np.testing.assert_array_equal(top_k(logits, labels, 5), np.ones(7))
    np.testing.assert_array_equal(top_k(logits, labels, 10**30), np.ones(7))


def test_cost_of_errors_is_expected_error():
    logits, labels = random_batch()
    errors = 1.0 - np.eye(5)
    expected = 1.0 - expected_accuracy(logits, labels)
    np.testing.assert_allclose(expected_cost(logits, errors, labels), expected, atol=1e-12)
    np.testing.assert_allclose(expected_cost(logits, errors[labels]), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_leading_dimensions_broadcast(dtype):
    logits, labels = random_batch(6, 4, dtype)
    whole = expected_accuracy(logits, labels, gradient=True)
    folded = expected_accuracy(logits.reshape(2, 3, 4), labels.reshape(2, 3), gradient=True)
    assert [part.shape for part in folded] == [(2, 3), (2, 3, 4), (2, 3)]
    assert all(part.dtype == dtype for part in folded)
    for part, expected in zip(folded, whole, strict=True):
        np.testing.assert_array_equal(part.ravel(), expected.ravel())
    many = expected_accuracy(logits[0], [0, 1, 2, 3], gradient=True)
    assert [part.shape for part in many] == [(4,), (4, 4), (4,)]
    single = expected_accuracy(logits[0], int(labels[0]))
    np.testing.assert_allclose(single, whole.value[0], rtol=10 * np.finfo(dtype).eps)
    sigmas = np.ones((2, 1), dtype)
    np.testing.assert_array_equal(expected_accuracy(logits[:3], labels[:3], sigmas[:, 0][:1]), whole.value[:3])
    assert expected_accuracy(logits.reshape(2, 3, 4), labels.reshape(2, 3), sigmas).shape == (2, 3)
    transposed = np.asfortranarray(logits)
    np.testing.assert_array_equal(expected_accuracy(transposed, labels), whole.value)


def test_types_of_results():
    assert expected_accuracy([1, 0], 0).dtype == np.float64
    logits = np.array([[1, 0]], np.float32)
    assert expected_accuracy(logits, [0], np.array([1.0])).dtype == np.float32
    assert expected_accuracy(logits, np.array([0], np.uint8), np.float64(1.0)).dtype == np.float32
    assert expected_cost(logits, np.ones((2, 2)), [0]).dtype == np.float32
    assert predictive_distribution(logits, cotangent=[[1, 0]]).logits_gradient.dtype == np.float32


def test_empty_batches_give_empty_results():
    value, logits_gradient, sigma_gradient = expected_accuracy(np.zeros((0, 3)), np.zeros(0, np.int64), gradient=True)
    assert (value.shape, logits_gradient.shape, sigma_gradient.shape) == ((0,), (0, 3), (0,))
    assert predictive_distribution(np.zeros((2, 0, 3))).shape == (2, 0, 3)


def test_one_class_is_certain():
    value, logits_gradient, _ = expected_accuracy([[2.0], [3.0]], [0, 0], gradient=True)
    np.testing.assert_array_equal(value, [1.0, 1.0])
    np.testing.assert_array_equal(logits_gradient, [[0.0], [0.0]])


def test_inputs_are_left_as_they_are():
    logits, labels = random_batch(300, 60)
    before = logits.copy()
    logits.flags.writeable = False
    expected_accuracy(logits, labels, gradient=True)
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize("library", ["torch", "sklearn"])
def test_other_libraries_are_optional(library):
    program = (
        "import sys\n"
        f"sys.modules['{library}'] = None\n"
        "import exact_learn\n"
        "try:\n"
        f"    import exact_learn.{library}\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert f"pip install exact-learn[{library}]" in output


def test_other_threads_run_during_an_evaluation():
    logits, labels = random_batch(20000, 50)
    finished, counts = threading.Event(), []

    def count():
        while not finished.is_set():
            counts.append(time.perf_counter())
            time.sleep(1e-4)

    thread = threading.Thread(target=count)
    thread.start()
    start = time.perf_counter()
    expected_accuracy(logits, labels)
    end = time.perf_counter()
    finished.set()
    thread.join()
    # Were the interpreter held, there would be a gap as long as the call.
    assert sum(start < moment < end for moment in counts) >= 3


TWO = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: expected_accuracy([[np.nan, 0.0]], [0]), ValueError, "logit NaN of sample 0, class 0"),
        (lambda: expected_accuracy(TWO + np.array([[0.0], [np.inf]]), [0, 1]), ValueError, "sample 1"),
        (lambda: expected_accuracy(TWO, [0, 3]), ValueError, "label 3 of sample 1 is not from 0 to 2"),
        (lambda: expected_accuracy(TWO, [0, -1]), ValueError, "label -1 of sample 1"),
        (lambda: expected_accuracy(TWO, np.array([0, 2**63 + 1], np.uint64)), ValueError, "label"),
        (lambda: expected_accuracy(TWO, [0.0, 1.0]), TypeError, "labels must be integers"),
        (lambda: expected_accuracy(TWO, [True, False]), TypeError, "labels must be integers"),
        (lambda: expected_accuracy(TWO, [0, 1, 2]), ValueError, "must broadcast"),
        (lambda: expected_accuracy(TWO, [0, 1], 0.0), ValueError, "sigma must be positive and finite, got 0"),
        (lambda: expected_accuracy(TWO, [0, 1], -1), ValueError, "sigma must be positive"),
        (lambda: expected_accuracy(TWO, [0, 1], math.nan), ValueError, "sigma must be positive"),
        (lambda: expected_accuracy(TWO, [0, 1], [1.0, 0.0]), ValueError, "sigma must be positive"),
        (lambda: expected_accuracy(TWO, [0, 1], [1.0, 1.0, 1.0]), ValueError, "must broadcast"),
        (lambda: expected_accuracy(TWO, [0, 1], np.ones((2, 2))), ValueError, "does not fit logits"),
        (lambda: expected_accuracy(TWO, [0, 1], np.ones((1, 2, 3))), ValueError, "dimensions"),
        (lambda: expected_accuracy(TWO, [0, 1], "1"), TypeError, "sigma must be float32"),
        (lambda: expected_accuracy(TWO, [0, 1], None), TypeError, "sigma must be float32"),
        (lambda: expected_accuracy(TWO.astype(np.float16), [0, 1]), TypeError, "got float16"),
        (lambda: expected_accuracy(TWO.astype(complex), [0, 1]), TypeError, "got complex128"),
        (lambda: expected_accuracy(TWO.astype(bool), [0, 1]), TypeError, "got bool"),
        (lambda: expected_accuracy([["a"]], [0]), TypeError, "logits must be"),
        (lambda: expected_accuracy(1.0, 0), ValueError, "shape"),
        (lambda: expected_accuracy(np.zeros((2, 0)), [0, 0]), ValueError, "at least one class"),
        (lambda: top_k(TWO, [0, 1], 0), ValueError, "k must be at least 1"),
        (lambda: top_k(TWO, [0, 1], 1.5), TypeError, "integer"),
        (lambda: expected_cost(TWO, 1.0), ValueError, "one value per class"),
        (lambda: expected_cost(TWO, np.ones((3, 2)), [0, 1]), ValueError, "has 2 columns, expected 3"),
        (lambda: expected_cost(TWO, np.ones(3), [0, 1]), ValueError, "must be a matrix"),
        (lambda: expected_cost(TWO, np.ones((1, 3)), [0, 1]), ValueError, "label 1 of sample 1 is not from 0 to 0"),
        (lambda: expected_cost(TWO, np.full((2, 3), np.nan)), ValueError, "cost must be finite"),
        (lambda: expected_cost(TWO, np.ones((5, 3))), ValueError, "must broadcast"),
        (lambda: predictive_distribution(TWO, cotangent=[1.0]), ValueError, "cotangent has 1 columns"),
        (lambda: predictive_distribution(TWO, cotangent=[1.0, 2.0, np.inf]), ValueError, "cotangent must be"),
    ],
)
def test_bad_inputs_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


LABELS = np.array([0, 1])
EVERY = (None, -100, "mean")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _core.expected_accuracy(TWO, LABELS[:1], 1.0, None, "error", EVERY), "labels has length 1, .* 2"),
        (lambda: _core.top_k(TWO, LABELS[:1], 2, 1.0, None, "error", None), "labels has length 1, .* 2 samples"),
        (lambda: _core.expected_cost(TWO, LABELS[:1], np.ones((2, 3)), 1.0, None), "labels has length 1"),
        (lambda: _core.expected_macro_f1(TWO, LABELS[:1], 1.0, EVERY), "labels has length 1"),
        (lambda: _core.expected_accuracy(TWO[:, :0], LABELS, 1.0, None, "error", EVERY), "rows of 0 classes"),
        (lambda: _core.predictive_distribution_gradient(TWO, 1.0, TWO[:1]), "cotangent has length 3, expected 6"),
        (lambda: _core.pointwise_loss("log", "margin", 1.0, TWO, LABELS, [], EVERY), "there is no loss 'log'"),
        (lambda: _core.pointwise_loss("hinge", "width", 1.0, TWO, LABELS, [], EVERY), "setting named width"),
        (lambda: _core.pointwise_loss("hinge", "margin", -1.0, TWO, LABELS, [], EVERY), "margin must be"),
        (lambda: _core.pointwise_loss("focal", "margin", 1.0, TWO, LABELS, [], EVERY), "focal needs gamma"),
        (lambda: _core.pointwise_loss("exact", "margin", 1.0, TWO, LABELS, [], EVERY), "a loss on random scores"),
        (lambda: _core.pointwise_loss("hinge", "margin", 1.0, TWO, LABELS, [0.0], EVERY), "expected 0"),
        (
            lambda: _core.pointwise_loss("beta-bernoulli", "temperature", 1.0, TWO, LABELS, [0.0], EVERY),
            "parameters of the loss has length 1, expected 2",
        ),
    ],
)
def test_kernels_refuse_what_does_not_fit(call, message):
    """The checks of the functions and losses keep it from them."""
    with pytest.raises(ValueError, match=message):
        call()


def test_examples_of_the_documentation_hold():
    failed, attempted = doctest.testmod(functions)
    assert failed == 0 and attempted > 0
    assert set(exact_learn.__all__) <= set(dir(exact_learn))


def test_overhead_of_a_call():
    logits, labels = np.array([[1.0, 0.0]]), np.array([0])
    times = []
    for _ in range(1000):
        start = time.perf_counter()
        expected_accuracy(logits, labels, 1.0)
        times.append(time.perf_counter() - start)
    # The quickest, which other programs do not disturb, takes about 10 µs: threads started or a rule made in each call
    # would show.
    assert min(times) < 100e-6


def test_the_package_has_its_version():
    assert exact_learn.__version__ == importlib.metadata.version("exact-learn")


def test_arrays_at_any_address_are_taken():
    logits, labels = random_batch()
    moved = np.frombuffer(bytearray(logits.nbytes + 1), dtype=logits.dtype, offset=1, count=logits.size)
    moved = moved.reshape(logits.shape)
    moved[:] = logits
    assert not moved.flags.aligned
    np.testing.assert_array_equal(expected_accuracy(moved, labels), expected_accuracy(logits, labels))
    np.testing.assert_array_equal(expected_cost(logits, moved), expected_cost(logits, logits))
