"""Put known pictures through the evidence card of a trained network, for the benchmarks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import softmax

from core.counterfactual.encode_decode import read_logits
from core.data.preprocessing import to_network
from core.domain import LIGHTS, FloatArray
from core.evidence.contrast import CounterfactualMeasurements
from core.evidence.empty_ground import change_in_ground
from core.evidence.known_pictures import TRUTH, area_under_curve


class KnownPictures:
    """Puts known pictures through the evidence card of an engine; remembers them by direction."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.lights: dict[str, list[str]] = {}  # of single images
        self._moved: dict[tuple[str, str], dict[str, list[CounterfactualMeasurements]]] = {}

    def add(self, way: tuple[str, str], start: FloatArray, pictures: Mapping[str, Any]) -> None:
        """The pictures that were made of one image on its way from source to target."""
        source, card = self.engine.evidence, self.engine.card
        direction, span = source.direction(*way), np.array(card.preprocessing.span)[:, None, None]
        before, own = source.panel.measure(start), self._read(start)
        for name, picture in pictures.items():
            moved = CounterfactualMeasurements(
                before,
                source.panel.measure(picture),
                self._read(picture),
                (((picture - start) / span) ** 2).sum(axis=(1, 2)),
                source.panel.cells(start, picture),
                own,
                change_in_ground(start, picture, span[:, 0, 0]),
            )
            self.lights.setdefault(name, []).append(direction.assess([moved]).light)
            self._moved.setdefault(way, {}).setdefault(name, []).append(moved)

    def record(self) -> dict[str, Any]:
        """Lights per kind of picture, single and per direction; shares of green; AUC of lights."""
        truth = self.lights.get(TRUTH, [])
        wrong = [light for name, lights in self.lights.items() if name != TRUTH for light in lights]
        directions = {
            "->".join(way): {
                name: self.engine.evidence.direction(*way).assess(moved).light
                for name, moved in of_way.items()
            }
            for way, of_way in self._moved.items()
        }
        return {
            "single": {
                name: [lights.count(light) for light in LIGHTS]
                for name, lights in self.lights.items()
            },
            "directions": directions,
            "truth_green": truth.count("green") / max(len(truth), 1),
            "wrong_green": wrong.count("green") / max(len(wrong), 1),
            "card_auc": area_under_curve(truth, wrong),
        }

    def _read(self, image: FloatArray) -> FloatArray:
        card = self.engine.card
        read: FloatArray = softmax(
            read_logits(self.engine.model, to_network(card.preprocessing, image))
        )
        return read
