"""Train classifier.dsl on scikit-learn's handwritten digits: minibatch gradient descent in plain NumPy.

    python examples/digits.py --epochs 60 --hidden 128

compiles the model beside this file, holds a fifth of the digits out, trains on the others, and shows
the loss and the accuracy on the held-out fifth after each epoch. Half of the minibatches are moved by
a pixel, so that a thousand images teach more. Ctrl-C stops early and still reports.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import autodiffc
import numpy as np
from numpy.typing import NDArray

try:
    from sklearn.datasets import load_digits
except ImportError:
    raise SystemExit("the digits come with scikit-learn: pip install scikit-learn") from None

MODEL = Path(__file__).with_name("classifier.dsl")


class Split(NamedTuple):
    """Images as rows of 64 numbers in [0, 1], and their labels."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]


def digits(rng: np.random.Generator) -> tuple[Split, Split]:
    """All digits in random order: four fifths to train on, one fifth held out."""
    pixels, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(labels))
    held_out, train = np.split(order, [len(labels) // 5])
    x = pixels / 16
    return Split(x[train], labels[train]), Split(x[held_out], labels[held_out])


def moved(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The images, all moved by the same random step of up to a pixel."""
    row, column = rng.integers(3, size=2)
    padded = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    return padded[:, row : row + 8, column : column + 8].reshape(-1, 64)


def batches(data: Split, size: int, rng: np.random.Generator) -> Iterator[Split]:
    """Every example once, in random order, `size` at a time."""
    order = rng.permutation(len(data.y))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        x = data.x[chosen]
        yield Split(moved(x, rng) if rng.random() < 0.5 else x, data.y[chosen])


def epoch(m: ModuleType, params: Any, train: Split, rate: float, size: int, rng: np.random.Generator) -> Any:
    """One pass over the training set; gives the new parameters and the mean of the losses seen."""
    losses = []
    for x, y in batches(train, size, rng):
        loss, grads = m.value_and_grad(x, y, *params)
        params = m.Params(*(p - rate * g for p, g in zip(params, grads, strict=True)))
        losses.append(loss)
    return params, float(np.mean(losses))


def accuracy(m: ModuleType, params: Any, data: Split) -> float:
    """The share of examples whose likeliest class is their label."""
    return float(np.mean(m.predict(data.x, *params).p.argmax(axis=1) == data.y))


def train(m: ModuleType, epochs: int, hidden: int, rate: float, size: int, seed: int) -> float:
    """Train from scratch, print the progress, give the final accuracy on the held-out fifth."""
    rng = np.random.default_rng(seed)
    training, held_out = digits(rng)
    params = m.init_params(rng, D=training.x.shape[1], H=hidden)
    try:
        for number in range(1, epochs + 1):
            params, loss = epoch(m, params, training, rate, size, rng)
            print(
                f"epoch {number:3d}   loss {loss:.4f}   held out {accuracy(m, params, held_out):.2%}",
                flush=True,
            )
    except KeyboardInterrupt:
        print("stopped")
    final = accuracy(m, params, held_out)
    print(f"{final:.2%} of {len(held_out.y)} held-out digits are right")
    return final


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train classifier.dsl on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=128, help="units in the hidden layer")
    parser.add_argument("--rate", type=float, default=0.3, help="step size of gradient descent")
    parser.add_argument("--batch", type=int, default=32, help="examples in a minibatch")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    model = autodiffc.load(MODEL)
    train(model, options.epochs, options.hidden, options.rate, options.batch, options.seed)


if __name__ == "__main__":
    main()
