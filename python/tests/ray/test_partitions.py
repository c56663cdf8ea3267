"""Training on partitions with Ray: the result of one machine, also when an actor is lost."""

import functools
import os
import signal
import sys

import numpy as np
import pytest
import ray
from scipy.sparse import csr_matrix

from exact_learn import _core
from exact_learn.ray import fit_partitions
from exact_learn.sklearn import ExactClassifier, ExactClassifierCV

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    # The workers cannot import this module.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def rows(n=600):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 5.0, 0.0, 0.0]
    X[:, 3] = 2.0
    noise = generator.gumbel(size=(n, 3))
    y = (X @ generator.standard_normal((4, 3)) * [1.0, 0.3, 1.0] + noise).argmax(axis=1)
    return X, np.array(["ant", "bee", "cat"])[y], generator.uniform(0.5, 2.0, n)


def part(index, weighted=False):
    """Of unequal parts."""
    of_part = slice(0, 150) if index == 0 else slice(150, None)
    X, y, sample_weight = rows()
    return (X[of_part], y[of_part], sample_weight[of_part]) if weighted else (X[of_part], y[of_part])


def assert_same(found, expected):
    assert list(found.classes_) == list(expected.classes_)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["cross-entropy", "exact", "beta-bernoulli"])
def test_the_result_is_that_of_one_machine(loss, weighted):
    X, y, sample_weight = rows()
    expected = ExactClassifier(loss).fit(X, y, sample_weight if weighted else None)
    found = fit_partitions(ExactClassifier(loss), [functools.partial(part, i, weighted) for i in range(2)])
    assert_same(found, expected)
    assert found.n_iter_ == expected.n_iter_
    assert found.score(X, y) == expected.score(X, y)


def dying_part(index, marker):
    """Kills its process at the fifth evaluation, unless the marker is there."""

    class Dying:
        def __init__(self, **arguments):
            self.partition, self.calls = Partition(**arguments), 0

        def __getattr__(self, name):
            self.calls += name == "evaluate"
            if self.calls == 5:
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return getattr(self.partition, name)

    Partition = _core.Partition
    if not marker.exists():
        _core.Partition = Dying
    return part(index)


def test_a_lost_actor_is_replaced(tmp_path):
    marker = tmp_path / "died"
    sources = [functools.partial(part, 0), functools.partial(dying_part, 1, marker)]
    found = fit_partitions(ExactClassifier(), sources)
    assert marker.exists()
    X, y, _ = rows()
    assert_same(found, ExactClassifier().fit(X, y))


def test_an_actor_that_is_lost_again_and_again_ends_training():
    def fatal():
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match="lost more often than max_restarts"):
        fit_partitions(ExactClassifier(), [functools.partial(part, 0), fatal], max_restarts=1, timeout=60.0)


def test_an_answer_that_takes_too_long_ends_training():
    def slow():
        import time

        time.sleep(60.0)

    with pytest.raises(RuntimeError, match="has not answered after 1 s"):
        fit_partitions(ExactClassifier(), [slow], timeout=1.0)


@pytest.mark.parametrize(
    ("classifier", "sources", "message"),
    [
        (ExactClassifier(), [], "no partitions"),
        (ExactClassifier(metric="balanced_accuracy"), [lambda: part(0)], "metric must be 'accuracy'"),
        (ExactClassifier(fit_intercept=False), [lambda: part(0)], "fit_intercept must be True to train on partitions"),
        (ExactClassifier(sigma=-1.0), [lambda: part(0)], "sigma"),
        (ExactClassifier(), [lambda: (np.ones((3, 2)), np.zeros(3, dtype=int))], "at least 2 classes"),
        (ExactClassifier(), [lambda: part(0), lambda: (np.ones((3, 2)), ["ant"] * 3)], "the same features"),
        (ExactClassifier(), [lambda: (np.full((3, 2), np.nan), ["ant"] * 3)], "NaN"),
    ],
)
def test_bad_inputs_are_refused(classifier, sources, message):
    with pytest.raises(ValueError, match=message):
        fit_partitions(classifier, sources)


def test_classifiers_that_choose_their_settings_are_refused():
    with pytest.raises(TypeError, match="got ExactClassifierCV; choose the settings on a sample"):
        fit_partitions(ExactClassifierCV(), [lambda: part(0)])


def test_sparse_partitions_are_refused():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        fit_partitions(ExactClassifier(), [lambda: (csr_matrix(np.eye(3)), ["ant", "bee", "cat"])])
