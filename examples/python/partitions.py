"""A linear classifier on rows that do not fit one machine, in Parquet files that Ray's workers read.

    pip install exact-learn[ray]
    python examples/python/partitions.py

On a cluster, the files are where all its machines can read them, and the script runs on one of these. The last line is
the accuracy on held-out data.
"""

import functools
import pathlib
import tempfile

import numpy as np
import pyarrow
import pyarrow.parquet
import ray

from exact_learn.ray import fit_partitions
from exact_learn.sklearn import ExactClassifier


def table(seed, n=2000):
    """Two overlapping classes, and a small third one far away."""
    generator = np.random.default_rng(seed)
    label = generator.choice(3, size=n, p=[0.5, 0.45, 0.05])
    centres = np.array([[0.0, 0.0], [2.0, 1.0], [20.0, -20.0]])
    x = centres[label] + generator.standard_normal((n, 2))
    return pyarrow.table({"x1": x[:, 0], "x2": x[:, 1], "label": label})


def features_and_labels(rows):
    features = np.column_stack([rows[name] for name in rows.column_names if name != "label"])
    return features, rows["label"].to_numpy()


def read(path):
    """Runs in the worker that holds the partition, again if that is lost."""
    return features_and_labels(pyarrow.parquet.read_table(path))


def main():
    with tempfile.TemporaryDirectory() as directory:
        paths = [pathlib.Path(directory) / f"part-{seed}.parquet" for seed in range(2)]
        for seed, path in enumerate(paths):
            pyarrow.parquet.write_table(table(seed), path)

        ray.init(num_cpus=2, include_dashboard=False)
        sources = [functools.partial(read, path) for path in paths]
        classifier = fit_partitions(ExactClassifier(sigma=0.1), sources)
        ray.shutdown()

    print(f"accuracy {classifier.score(*features_and_labels(table(seed=2))):.4f}")


if __name__ == "__main__":
    main()
