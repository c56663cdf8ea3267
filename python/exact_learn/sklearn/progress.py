"""A progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(show: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """What the kernels are to call with the stage of training, the steps done and the steps in all, if anything."""
    if not show:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "verbose=True shows a progress bar by tqdm; install it with `pip install tqdm`, or leave verbose out",
            name=error.name,
        ) from None

    with tqdm(unit="fit") as bar:

        def update(stage: str, done: int, total: int) -> None:
            if bar.desc != f"{stage}: ":
                bar.reset(total)
                bar.set_description(stage, refresh=False)
            # Threads report out of order.
            bar.update(max(done - bar.n, 0))
            bar.refresh()

        yield update
