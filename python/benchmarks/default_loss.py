"""Test accuracy of small networks with ExactLoss as its defaults could be, beside cross-entropy, as a Markdown table.

    python python/benchmarks/default_loss.py [--seeds 1] [--steps 10000]

A network of one hidden layer of 64 units on twelve tasks: digits, the bundled tables and images, noisy rings, and
digits of whose training labels a fifth is wrong. Each loss is trained by each optimiser for each number of steps with
batches of 64, on one thread; no setting is chosen. Figures are means over tasks and seeds. Needs
exact-learn[torch,test-sklearn].
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import torch
from pyarrow import csv
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from exact_learn.torch import ExactLoss

DATA = Path(__file__).resolve().parents[2] / "data"
TABLES = [
    "adult",
    "balance-scale",
    "breast-cancer-wisconsin",
    "car",
    "cylinder-bands",
    "dry-bean",
    "mice-protein",
    "wine",
]
BATCH = 64
OPTIMISERS = {
    "Adam 0.01": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    "SGD 0.1": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
}
LOSSES = {
    "cross-entropy": torch.nn.CrossEntropyLoss,
    "sigma 1, logits as they are": lambda: ExactLoss(1.0),
    **{
        f"sigma {sigma:g}, normalised": lambda sigma=sigma: ExactLoss(sigma, normalize_logits=True)
        for sigma in (2.0, 1.0, 0.5, 0.25)
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="how often each is trained (default 1)")
    parser.add_argument("--steps", type=int, default=10_000, help="of the longest training (default 10000)")
    arguments = parser.parse_args()
    seeds, all_steps = arguments.seeds, [100, 1000, arguments.steps]
    torch.set_num_threads(1)
    tasks = list(all_tasks())
    columns = [(optimiser, steps) for optimiser in OPTIMISERS for steps in all_steps]
    print(f"{len(tasks)} tasks, {seeds} seeds; test accuracy in percent\n")
    print("| loss |" + "".join(f" {optimiser}, {steps} steps |" for optimiser, steps in columns) + " mean |")
    print("|---|" + "--:|" * (len(columns) + 1))
    for name, loss in LOSSES.items():
        # The steps of the longest training pass those of the shorter ones.
        curves = [
            np.mean(
                [
                    curve(task, loss(), OPTIMISERS[optimiser], seed, all_steps)
                    for task in tasks
                    for seed in range(seeds)
                ],
                axis=0,
            )
            for optimiser in OPTIMISERS
        ]
        figures = 100.0 * np.concatenate(curves)
        print(f"| {name} |" + "".join(f" {value:.2f} |" for value in [*figures, figures.mean()]), flush=True)


def curve(task, criterion, optimiser, seed, all_steps):
    """The test accuracy after each number of steps."""
    (inputs, labels), (test_inputs, test_labels) = task
    torch.manual_seed(seed)
    n_classes = int(labels.max()) + 1
    model = torch.nn.Sequential(torch.nn.Linear(inputs.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, n_classes))
    optimiser = optimiser(model.parameters())
    found = []
    for step in range(1, max(all_steps) + 1):
        rows = torch.randint(len(labels), (BATCH,))
        optimiser.zero_grad()
        criterion(model(inputs[rows]), labels[rows]).backward()
        optimiser.step()
        if step in all_steps:
            with torch.no_grad():
                found.append((model(test_inputs).argmax(dim=1) == test_labels).double().mean().item())
    return found


def all_tasks():
    """Pairs of training and test samples, each of inputs and labels."""
    digits = split(*load_digits(return_X_y=True))
    yield digits
    (inputs, labels), test = digits
    generator = torch.Generator().manual_seed(0)
    wrong = torch.rand(len(labels), generator=generator) < 0.2
    yield (inputs, torch.where(wrong, torch.randint(10, (len(labels),), generator=generator), labels)), test
    yield split(*rings(4000))
    yield images()
    yield from map(table, TABLES)


def split(X, y):
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    return standardised(X_train, y_train, X_test, y_test)


def standardised(X, y, X_test, y_test):
    scale = X.std(axis=0)
    X, X_test = ((part - X.mean(axis=0)) / np.where(scale > 0.0, scale, 1.0) for part in (X, X_test))
    samples = [(X, y), (X_test, y_test)]
    return tuple((torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.long)) for X, y in samples)


def rings(n):
    generator = np.random.default_rng(0)
    labels, angle = generator.integers(3, size=n), 2.0 * np.pi * generator.random(n)
    radius = 1.0 + labels + 0.5 * generator.standard_normal(n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), labels


def images():
    """The bundled images of Fashion-MNIST."""
    parts = []
    for name in ("train", "t10k"):
        folder = DATA / "fashion-mnist-small"
        labels = np.frombuffer(gzip.decompress((folder / f"{name}-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
        pixels = np.frombuffer(gzip.decompress((folder / f"{name}-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
        parts += [pixels.reshape(len(labels), -1).astype(float), labels.astype(int)]
    return standardised(*parts)


def table(name):
    """A bundled table, its categories as indicators."""
    parts = [read(DATA / name / f"{part}.csv.zst") for part in ("train", "test")]
    n_train = len(parts[0])
    rows = pandas.concat(parts, ignore_index=True)
    y = pandas.factorize(rows.pop("label"), sort=True)[0]
    numeric = rows.select_dtypes("number")
    X = pandas.get_dummies(rows.assign(**numeric.fillna(numeric.mean()))).to_numpy(float)
    return standardised(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def read(path):
    return csv.read_csv(pa.CompressedInputStream(str(path), "zstd")).to_pandas()


if __name__ == "__main__":
    main()
