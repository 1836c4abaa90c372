"""Response curves: how far one image comes toward every condition at several strengths."""

from collections import OrderedDict

from core.counterfactual.encode_decode import decode, read_logits
from core.counterfactual.encodings import Encodings, Key, Locked
from core.data.logit_coordinates import coordinates_of
from core.domain import FloatArray, Mix, Precision
from core.latent_map.drag_target import STRENGTHS

REMEMBERED = 16
Curves = dict[str, list[FloatArray]]  # condition -> logit coordinates (K-1,) at each of STRENGTHS


class ResponseCurves:
    """Logit coordinates of previews of a record toward every condition, each measured once."""

    def __init__(self, encodings: Encodings) -> None:
        self._encodings = encodings
        self._curves: OrderedDict[Key, Curves] = OrderedDict()

    def of(self, record_id: str, locked: Locked, precision: Precision = Precision.EXACT) -> Curves:
        """The curves of a record; {} if not measured, or if the record cannot be inverted.

        An EXACT move needs curves with the same locked channels. A DISPLAY move also takes curves
        with other locked channels. A PREVIEW never waits for a measurement.
        """
        key = self._encodings.key(record_id, locked)
        source = self._encodings.record(record_id).condition
        others = [name for name in self._encodings.card.condition_names if name != source]
        complete = {
            k: curves
            for k, curves in self._curves.items()
            if k[0] == record_id and len(curves) == len(others)
        }
        if key in complete:
            return complete[key]
        if precision == Precision.PREVIEW or (complete and precision == Precision.DISPLAY):
            return next(iter(complete.values()), {})
        return self._measured(key, locked, others)

    def _measured(self, key: Key, locked: Locked, others: list[str]) -> Curves:
        """Measure the missing curves; curves from before an interruption stay."""
        model, card = self._encodings.model, self._encodings.card
        encoded = self._encodings.get(key[0], locked, Precision.DISPLAY)
        if encoded.failure:
            return {}
        curves = self._curves.setdefault(key, {})
        while len(self._curves) > REMEMBERED:
            self._curves.popitem(last=False)
        for name in others:
            if name in curves:
                continue
            mixes = [Mix({name: 1.0}, strength) for strength in STRENGTHS]
            images = (
                decode(model, card, encoded, mix, precision=Precision.PREVIEW) for mix in mixes
            )
            curves[name] = [coordinates_of(read_logits(model, image)) for image in images]
        return curves
