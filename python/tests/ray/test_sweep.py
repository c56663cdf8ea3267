"""A sweep on Ray Tune: the figures of one machine, also when a worker is lost."""

import os
import pathlib
import signal
import sys

import pytest
import ray
from ray import tune
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold, cross_val_score

from exact_learn.sklearn import ExactClassifier

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples" / "python"
SPACE = {"sigma": tune.grid_search([0.1, 1.0]), "seed": 0}
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def example():
    sys.path.insert(0, str(EXAMPLES))
    import sweep

    # The workers can import neither this module nor the example.
    for module in (sys.modules[__name__], sweep):
        ray.cloudpickle.register_pickle_by_value(module)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield sweep
    ray.shutdown()
    sys.path.remove(str(EXAMPLES))


def test_a_lost_worker_is_replaced(example, tmp_path):
    marker = tmp_path / "died"
    trial = example.trial

    def dying(config):
        if config["sigma"] == 1.0 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        trial(config)

    table = example.sweep(dying, SPACE, str(tmp_path / "results"))
    assert marker.exists()
    X, y = load_iris(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    expected = {sigma: cross_val_score(ExactClassifier(sigma=sigma), X, y, cv=folds).mean() for sigma in [0.1, 1.0]}
    assert dict(zip(table["config/sigma"], table["accuracy"], strict=True)) == expected


def test_a_worker_that_is_lost_again_and_again_ends_the_sweep(example, tmp_path):
    def fatal(config):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match="1 of 1 trials failed"):
        example.sweep(fatal, {}, str(tmp_path))


def test_a_setting_that_is_refused_ends_the_sweep_with_its_message(example, tmp_path):
    with pytest.raises(RuntimeError, match="1 of 1 trials failed") as raised:
        example.sweep(example.trial, {"sigma": -1.0, "seed": 0}, str(tmp_path))
    assert "sigma" in str(raised.value.__cause__)
