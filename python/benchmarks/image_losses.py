"""What the loss is worth on images: by learning rate, and where training labels are wrong, as Markdown tables.

    cargo build --profile dist -p exact-cli --features vision
    exact datasets --download fashion-mnist --to images/fashion-mnist
    exact datasets --download cifar-10 --to images/cifar-10
    tar xzf images/cifar-10/*.tar.gz --strip-components 1 -C images/cifar-10
    python python/benchmarks/image_losses.py target/dist/exact images --out results [--rivals A,B] [--show]

A seed draws as many training images of each class, the labels that are made wrong, and all randomness of training, so
that the losses see the same. Wrong are also the labels of the images that choose the epoch and the learning rate; all
test images are kept, with their labels. The network is `small-cnn` with the default recipe. Without wrong labels every
rate is run with every seed; with them seed 0 chooses the rate by validation accuracy, and the others are run with that.

Each run is a line of `results/runs.csv`, and one that is there is not run again; `--show` runs none. The learning rates
are drawn in `results/learning-rates.svg`. Needs matplotlib, NumPy and SciPy.
"""

import argparse
import collections
import csv
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib import pyplot
from scipy import stats

SETS = {"fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
CLASSES = 10
EPOCHS = 12
SEEDS = (0, 1, 2)
LOSSES = {
    "exact": 'name = "exact"',
    "cross-entropy": 'name = "cross-entropy"',
    "label smoothing": 'name = "cross-entropy", label-smoothing = 0.1',
}
RIVALS = [loss for loss in LOSSES if loss != "exact"]
# Another class at random, or always the next one, and the share of the labels.
NOISES = {
    "none": ("symmetric", 0.0),
    "symmetric 20 %": ("symmetric", 0.2),
    "symmetric 40 %": ("symmetric", 0.4),
    "pairwise 20 %": ("pairwise", 0.2),
    "pairwise 40 %": ("pairwise", 0.4),
}
# Those that seed 0 chooses from, and those of the plot.
RATES = (0.01, 0.03, 0.1, 0.3)
ALL_RATES = {"fashion-mnist": (*RATES, 1.0), "cifar-10": RATES}
TEST_METRICS = ("accuracy", "log_loss", "expected_calibration_error")
METRICS = ("validation_accuracy", *TEST_METRICS)


class Run(NamedTuple):
    """What a line of the results is of."""

    set: str
    images: int
    noise: str
    loss: str
    rate: float
    seed: int


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("exact", help="the program")
    parser.add_argument("folder", type=Path, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the results")
    parser.add_argument("--images", type=int, default=10_000, help="training images (default 10000)")
    parser.add_argument("--rivals", default=",".join(RIVALS), help="the losses beside exact (default all)")
    parser.add_argument("--show", action="store_true", help="show what is there, and train nothing")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.exact, arguments.folder, arguments.out / "runs.csv", arguments.images)
    losses = ["exact", *arguments.rivals.split(",")]
    if not arguments.show:
        run_all(results, losses)
    show_rates(results, losses)
    show_noises(results, losses)
    show_probabilities(results, losses)
    draw_rates(results, losses, arguments.out / "learning-rates.svg")


def run_all(results, losses):
    for name in SETS:
        for noise in NOISES:
            run_noise(results, name, noise, losses)
        for seed in SEEDS:
            for rate in ALL_RATES[name]:
                for loss in losses:
                    results.run(name, "none", loss, rate, seed)


def run_noise(results, name, noise, losses):
    for loss in losses:
        for rate in RATES:
            results.run(name, noise, loss, rate, 0)
        for seed in SEEDS:
            results.run(name, noise, loss, results.chosen_rate(name, noise, loss), seed)


class Results:
    """The metrics of runs, in a file."""

    def __init__(self, exact, folder, path, images):
        self.exact, self.folder, self.path, self.images = exact, folder, path, images
        self.metrics = {}
        if not path.exists():
            path.write_text(",".join([*Run._fields, *METRICS, "best_epoch", "seconds"]) + "\n")
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                run = Run(*(kind(line[field]) for field, kind in Run.__annotations__.items()))
                self.metrics[run] = {metric: float(line[metric]) for metric in METRICS}

    def run(self, *key):
        """Trains and tests a network, unless its line is there."""
        run = Run(key[0], self.images, *key[1:])
        if run in self.metrics:
            return
        with tempfile.TemporaryDirectory() as work:
            data, recipe = Path(work, "data"), Path(work, "recipe.toml")
            data.mkdir()
            write_training_set(self.folder / run.set, data, run)
            recipe.write_text(
                f'model = "small-cnn"\nepochs = {EPOCHS}\nseed = {run.seed}\n'
                f"loss = {{ {LOSSES[run.loss]} }}\nlearning-rate = {{ first = {run.rate} }}\n"
            )
            options = ["--data", data, "--recipe", recipe, "--out", Path(work, "run"), "--json"]
            command = [self.exact, "vision", "train", *options]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        record = json.loads(printed)
        metrics = {"validation_accuracy": record["validation"]["accuracy"]}
        metrics |= {metric: record["test"][metric] for metric in TEST_METRICS}
        self.metrics[run] = metrics
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow([*run, *metrics.values(), record["best_epoch"], round(record["seconds"], 1)])
        print(*run, f"{100 * metrics['accuracy']:.2f} %, {record['seconds']:.0f} s", file=sys.stderr, flush=True)

    def chosen_rate(self, name, noise, loss):
        """The rate with the best validation accuracy of seed 0, the smallest of equals, or None if not all were run."""
        runs = [Run(name, self.images, noise, loss, rate, 0) for rate in RATES]
        if any(run not in self.metrics for run in runs):
            return None
        return max(runs, key=lambda run: self.metrics[run]["validation_accuracy"]).rate

    def over_seeds(self, metric, *key):
        """A metric of the seeds that were run."""
        runs = [Run(key[0], self.images, *key[1:], seed) for seed in SEEDS]
        return np.array([self.metrics[run][metric] for run in runs if run in self.metrics])

    def chosen(self, metric, name, noise, loss):
        """A metric of every seed at the chosen rate, or None if a run is missing."""
        found = self.over_seeds(metric, name, noise, loss, self.chosen_rate(name, noise, loss))
        return found if len(found) == len(SEEDS) else None


def write_training_set(source, out, run):
    """Writes the training images of a run with its labels, and all test images, in the format of the set."""
    rng = np.random.default_rng(run.seed)
    if (source / "test_batch.bin").exists():
        batches = [np.fromfile(path, np.uint8) for path in sorted(source.glob("data_batch_*.bin"))]
        records = np.concatenate(batches).reshape(-1, 3073)
        records = records[drawn(records[:, 0], run.images, rng)]
        records[:, 0] = noisy(records[:, 0], *NOISES[run.noise], rng)
        records.tofile(out / "data_batch_1.bin")
        shutil.copy(source / "test_batch.bin", out)
        return
    images, labels = (read_idx(source / f"train-{stem}-ubyte.gz") for stem in ("images-idx3", "labels-idx1"))
    rows = drawn(labels, run.images, rng)
    write_idx(out / "train-images-idx3-ubyte", images[rows])
    write_idx(out / "train-labels-idx1-ubyte", noisy(labels[rows], *NOISES[run.noise], rng))
    for path in source.glob("t10k-*.gz"):
        shutil.copy(path, out)


def drawn(labels, count, rng):
    """The rows of as many images of each class."""
    of_classes = [rng.permutation(np.flatnonzero(labels == label))[: count // CLASSES] for label in range(CLASSES)]
    return np.sort(np.concatenate(of_classes))


def noisy(labels, kind, share, rng):
    """The labels, of which a share is wrong: another class at random, or always the next one."""
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    steps = rng.integers(1, CLASSES, len(wrong)) if kind == "symmetric" else 1
    labels = labels.astype(np.int64)
    labels[wrong] = (labels[wrong] + steps) % CLASSES
    return labels.astype(np.uint8)


def read_idx(path):
    with gzip.open(path) as file:
        data = file.read()
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def write_idx(path, array):
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes())


def show_rates(results, losses):
    print("Test accuracy in percent by learning rate, without wrong labels:\n")
    print_header("set", "learning rate", *losses)
    for name in SETS:
        for rate in ALL_RATES[name]:
            accuracies = [results.over_seeds("accuracy", name, "none", loss, rate) for loss in losses]
            if any(len(accuracy) for accuracy in accuracies):
                print_row(SETS[name], f"{rate:g}", *map(percent, accuracies))


def show_noises(results, losses):
    """Accuracies at the chosen rates, and what expected accuracy gains on its rivals."""
    print("\nTest accuracy in percent (learning rate), and what exact gains with its 95 % t interval over the seeds:\n")
    rivals = losses[1:]
    print_header("set", "wrong labels", *losses, *(f"gain on {loss}" for loss in rivals))
    gains = collections.defaultdict(list)
    for name in SETS:
        for noise in NOISES:
            accuracies = {loss: results.chosen("accuracy", name, noise, loss) for loss in losses}
            if accuracies["exact"] is None:
                continue
            cells = [
                f"{percent(accuracy)} ({results.chosen_rate(name, noise, loss):g})" if accuracy is not None else ""
                for loss, accuracy in accuracies.items()
            ]
            for loss in rivals:
                if accuracies[loss] is None:
                    cells.append("")
                    continue
                gain = accuracies["exact"] - accuracies[loss]
                gains[name, loss].append(gain)
                cells.append(interval(gain))
            print_row(SETS[name], noise, *cells)
        means = [interval(np.mean(gains[name, loss], axis=0)) if gains[name, loss] else "" for loss in rivals]
        if any(len(gains[name, loss]) > 1 for loss in rivals):
            print_row(SETS[name], "mean", *("" for _ in losses), *means)
    for loss in rivals:
        means = [gain.mean() for name in SETS for gain in gains[name, loss]]
        if means:
            p = stats.wilcoxon(means).pvalue
            better = sum(mean > 0 for mean in means)
            print(f"\nGain on {loss}: {better} of {len(means)} rows are better, Wilcoxon's signed-rank p = {p:.2g}.")


def show_probabilities(results, losses):
    print("\nTest log loss / expected calibration error at the chosen rates:\n")
    print_header("set", "wrong labels", *losses)
    for name in SETS:
        for noise in NOISES:
            cells = []
            for loss in losses:
                metrics = [results.chosen(metric, name, noise, loss) for metric in TEST_METRICS[1:]]
                cells.append("" if metrics[0] is None else " / ".join(f"{metric.mean():.3f}" for metric in metrics))
            if any(cells):
                print_row(SETS[name], noise, *cells)


def percent(accuracies):
    """Mean and standard deviation."""
    spread = f" ± {100 * accuracies.std(ddof=1):.2f}" if len(accuracies) > 1 else ""
    return f"{100 * accuracies.mean():.2f}{spread}" if len(accuracies) else ""


def interval(gains):
    """The mean and its 95 % t interval, in percent."""
    mean = 100 * gains.mean()
    half = 100 * stats.sem(gains) * stats.t.ppf(0.975, len(gains) - 1)
    return f"{mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f})"


def print_header(*cells):
    print_row(*cells)
    print(f"|---|{'---|' * (len(cells) - 1)}")


def print_row(*cells):
    print(f"| {' | '.join(cells)} |")


def draw_rates(results, losses, path):
    """Accuracy against the learning rate: a dot for each seed, a line through the means."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "image_losses", "font.size": 9})
    figure, panels = pyplot.subplots(1, len(SETS), figsize=(8, 3.2), layout="constrained")
    for name, axes in zip(SETS, panels, strict=True):
        rates = ALL_RATES[name]
        for loss, marker, colour in zip(losses, "osD", ("#0072b2", "#d55e00", "#777777"), strict=False):
            accuracies = {rate: results.over_seeds("accuracy", name, "none", loss, rate) for rate in rates}
            found = {rate: 100 * accuracy for rate, accuracy in accuracies.items() if len(accuracy)}
            axes.plot([*found], [accuracy.mean() for accuracy in found.values()], color=colour)
            dots = [(rate, value) for rate, accuracy in found.items() for value in accuracy]
            axes.plot(*np.array(dots).reshape(-1, 2).T, marker, color=colour, alpha=0.6, label=loss)
        axes.set(xscale="log", title=SETS[name], xlabel="learning rate", ylabel="test accuracy, %")
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.minorticks_off()
        axes.grid(color="#dddddd")
    panels[0].legend()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
