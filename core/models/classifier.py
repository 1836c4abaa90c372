"""What every network of a project can do: read images and name their condition."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Classifier(Protocol):
    """A network that classifies; tests/models/test_contract.py is its contract."""

    def features(self, x: Tensor) -> Tensor:
        """Network images (N, C, Y, X) of any size -> pooled features (N, F)."""
        ...

    def logits(self, x: Tensor) -> Tensor:
        """Network images (N, C, Y, X) -> logits (N, K)."""
        ...
