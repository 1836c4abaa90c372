"""Everything that is read when a project opens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.domain import Condition, DecisionMap, LatentTable, ModelCard, Project, Projection
    from core.latent_map.ternary_plane import Plane

    ShownMap = tuple[Projection, DecisionMap, Plane | None]


@dataclass(frozen=True)
class Opened:
    """Everything that is read when a project opens."""

    project: Project
    card: ModelCard | None = None
    latents: LatentTable | None = None
    projection: Projection | None = None
    decision: DecisionMap | None = None
    warnings: tuple[str, ...] = ()
    read_only: str = ""  # why nothing can be changed, for example who has the project
    gone: str = ""  # the folder that does not hold the images any more
    models: tuple[ModelCard, ...] = ()  # one for each training, the one in use first
    _planes: dict[tuple[str, ...], ShownMap] = field(
        default_factory=dict, compare=False, repr=False
    )  # that were computed, by their conditions

    def conditions(self) -> tuple[Condition, ...]:
        """The model's conditions in class order, with the project's current colours and roles.

        Without a model, those of the images.
        """
        dataset = self.project.dataset
        own = {c.name: c for c in dataset.conditions} if dataset else {}
        if self.card is not None:
            return tuple(own.get(c.name, c) for c in self.card.conditions)
        return tuple(own.values())

    def shown_conditions(self) -> tuple[Condition, ...]:
        """Those of `conditions` that the model has read images of."""
        latents = self.latents
        if latents is None:
            return ()
        return tuple(c for k, c in enumerate(self.conditions()) if (latents.truth == k).any())

    def map_of(self, names: tuple[str, ...]) -> ShownMap:
        """The ternary plane of three conditions, computed once; () is the map of all.

        Raises LeighError where the project has no images of these conditions.
        """
        assert self.latents is not None
        if not names:
            assert self.projection is not None and self.decision is not None
            return self.projection, self.decision, None
        if names not in self._planes:
            from core.latent_map.ternary_plane import exact_plane

            self._planes[names] = exact_plane(self.latents, names)
        return self._planes[names]

    def default_plane(self, *in_hand: str) -> tuple[str, ...]:
        """Healthy, diseased and the treatment in hand; () below three conditions."""
        from core.latent_map.ternary_choices import default_plane

        return default_plane(self.shown_conditions(), *in_hand)

    @property
    def without_images(self) -> bool:
        """Whether nobody knows where the images are."""
        return bool(self.gone or self.project.untouched.images)

    @property
    def ready_to_explore(self) -> bool:
        """Whether there are model and latents, and a map or three conditions for a plane."""
        mapped = self.projection is not None or len(self.shown_conditions()) > 2
        return self.card is not None and self.latents is not None and mapped
