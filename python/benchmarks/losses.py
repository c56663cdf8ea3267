"""Speed of the losses beside cross-entropy and the paper's implementation, as a Markdown table.

    python python/benchmarks/losses.py [--threads N]

A time is the median over repetitions of forward and backward together, on standard normal logits in float32. The
paper's implementation is measured where its package, exact_pytorch, is installed; otherwise its figures are those of
another machine.
"""

import argparse
import os
import platform
import statistics
import time

SHAPES = [(1, 2), (1, 10), (256, 10), (256, 100), (256, 1000)]
SECONDS = 1.0
# µs per sample of the paper's implementation by number of classes: 16 draws, float32, one thread, forward and backward,
# measured on another machine.
PAPER_ELSEWHERE = {10: 63.0, 100: 3570.0, 1000: 249_000.0}
# Its batches are smaller where it takes seconds.
PAPER_BATCH = {1000: 8}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch and of the kernels (default 1)")
    threads = parser.parse_args().threads
    os.environ["RAYON_NUM_THREADS"] = str(threads)

    import numpy as np
    import torch

    import exact_learn
    from exact_learn.torch import ExactLoss, ProbitLoss

    torch.set_num_threads(threads)
    print(f"{platform.processor() or platform.machine()}, PyTorch {torch.__version__}, {threads} threads")
    paper = papers_loss()
    source = "another machine, one thread" if paper is None else "this run"
    print(f"The times of the paper's implementation are from {source}.\n")
    losses = {"ExactLoss": ExactLoss(0.5), "ProbitLoss": ProbitLoss(0.5)}
    print("| batch | classes | loss | time, µs | of cross-entropy | the paper's takes |")
    print("|---:|---:|---|---:|---:|---:|")
    for n, n_classes in SHAPES:
        torch.manual_seed(0)
        logits = torch.randn(n, n_classes, requires_grad=True)
        labels = torch.randint(n_classes, (n,))
        reference = microseconds(step, torch.nn.CrossEntropyLoss(), logits, labels)
        print(f"| {n} | {n_classes} | torch.nn.CrossEntropyLoss | {reference:.1f} | 1.0 | |")
        papers_time = None
        if n > 1 and paper is None:
            papers_time = n * PAPER_ELSEWHERE[n_classes]
        elif n > 1:
            rows = min(n, PAPER_BATCH.get(n_classes, n))
            part = logits.detach()[:rows].requires_grad_()
            papers_time = microseconds(step, paper, part, labels[:rows]) * n / rows
        for name, loss in losses.items():
            elapsed = microseconds(step, loss, logits, labels)
            times_as_long = "" if papers_time is None else f"{papers_time / elapsed:.0f} times as long"
            print(f"| {n} | {n_classes} | {name} | {elapsed:.1f} | {elapsed / reference:.1f} | {times_as_long} |")

    logits, labels = np.array([[1.0, 0.0]]), np.array([0])
    call = microseconds(exact_learn.expected_accuracy, logits, labels, 0.5)
    print(f"\nexpected_accuracy of one sample of two classes: {call:.1f} µs a call")
    tensor, target = torch.tensor([[1.0, 0.0]], requires_grad=True), torch.tensor([0])
    for name, loss in {"ExactLoss": ExactLoss(0.5), "CrossEntropyLoss": torch.nn.CrossEntropyLoss()}.items():
        forward = microseconds(loss, tensor, target)
        print(f"{name} of one sample of two classes, forward: {forward:.1f} µs")
    bare = microseconds(step, bare_function(torch), tensor, target)
    print(f"an autograd function of one multiplication, forward and backward: {bare:.1f} µs")


def papers_loss():
    """The loss of the paper's own package, or None where that is not installed."""
    try:
        import exact_pytorch
    except ModuleNotFoundError as error:
        if error.name != "exact_pytorch":
            raise
        return None
    return exact_pytorch.EXACTLoss(sample_size=16)


def bare_function(torch):
    """The least that a loss written in Python costs."""

    class Bare(torch.autograd.Function):
        @staticmethod
        def forward(ctx, logits):
            ctx.save_for_backward(logits)
            return logits.new_empty(())

        @staticmethod
        def backward(ctx, cotangent):
            return cotangent * ctx.saved_tensors[0]

    return lambda logits, labels: Bare.apply(logits)


def step(loss, logits, labels):
    logits.grad = None
    loss(logits, labels).backward()


def microseconds(call, *arguments):
    """The median time of a call."""
    for _ in range(3):
        call(*arguments)
    times = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    main()
