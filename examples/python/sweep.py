"""A sweep over sigma and the seeds of cross-validation with Ray Tune.

    pip install exact-learn[ray]
    python examples/python/sweep.py

Every trial is the mean accuracy over the folds that one seed makes, so that a setting is judged by several splits. A
trial whose worker is lost starts again, twice at most; after that the sweep stops with its error. The last line is the
best setting.
"""

import tempfile

import ray
from ray import tune
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold, cross_val_score

from exact_learn.sklearn import ExactClassifier


def trial(config):
    seed = config.pop("seed")
    X, y = load_iris(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = cross_val_score(ExactClassifier(**config), X, y, cv=folds)
    tune.report({"accuracy": scores.mean()})


def sweep(trial, space, storage_path):
    """A table with the results of all trials. On a cluster, all machines must reach the storage."""
    run = tune.RunConfig(storage_path=storage_path, failure_config=tune.FailureConfig(max_failures=2), verbose=0)
    results = tune.Tuner(trial, param_space=space, run_config=run).fit()
    if results.errors:
        raise RuntimeError(f"{len(results.errors)} of {len(results)} trials failed") from results.errors[0]
    return results.get_dataframe()


def main():
    ray.init(num_cpus=2, include_dashboard=False)
    space = {
        "sigma": tune.grid_search([0.1, 0.3]),
        "seed": tune.grid_search([0, 1]),
    }
    with tempfile.TemporaryDirectory() as directory:
        table = sweep(trial, space, directory)
    ray.shutdown()

    accuracy = table.groupby("config/sigma")["accuracy"].mean()
    print(f"sigma {accuracy.idxmax():g}: accuracy {accuracy.max():.4f}")


if __name__ == "__main__":
    main()
