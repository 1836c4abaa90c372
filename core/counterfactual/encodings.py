"""Remember encoded records, so that a drag needs only one explicit pass."""

from collections import OrderedDict

from core.counterfactual.encode_decode import (
    Encoded,
    SourceImage,
    encode,
    encode_for_display,
    locked_mask,
    refine,
)
from core.domain import Dataset, ImageRecord, ModelCard, Precision
from core.errors import LeighError
from core.io.read_verified import read_verified
from core.models.iresnet import IResNet

REMEMBERED = 16  # records, each with its locked channels
Locked = tuple[str, ...]
Key = tuple[str, tuple[bool, ...]]  # record and locked channels


class Encodings:
    """The last encoded records, oldest first."""

    def __init__(self, model: IResNet, card: ModelCard, dataset: Dataset) -> None:
        self.model, self.card, self.dataset = model, card, dataset
        self._encoded: OrderedDict[Key, Encoded] = OrderedDict()

    def __len__(self) -> int:
        return len(self._encoded)

    def __contains__(self, key: Key) -> bool:
        return key in self._encoded

    def keys(self) -> list[Key]:
        """The keys of the remembered records, oldest first."""
        return list(self._encoded)

    def clear(self) -> None:
        """Forget everything."""
        self._encoded.clear()

    def key(self, record_id: str, locked: Locked) -> Key:
        """Key of a record with locked channels. Raises LeighError for unknown channels."""
        return record_id, locked_mask(self.card, locked)

    def record(self, record_id: str) -> ImageRecord:
        """The record of an id. Raises LeighError for an unknown id."""
        try:
            return self.dataset.record(record_id)
        except KeyError:
            raise LeighError(
                f"The project has no record {record_id}.", "Scan the folder again."
            ) from None

    def get(
        self, record_id: str, locked: Locked = (), precision: Precision = Precision.EXACT
    ) -> Encoded:
        """The record with these channels locked, encoded with at least this precision."""
        key = self.key(record_id, locked)
        if key not in self._encoded:
            record = self.record(record_id)
            raw = read_verified(self.dataset.root, record)
            image = SourceImage(record_id, record.condition, raw, key[1])
            encode_image = encode if precision == Precision.EXACT else encode_for_display
            self._encoded[key] = encode_image(self.model, self.card, image)
        if precision == Precision.EXACT:
            self._encoded[key] = refine(self.model, self.card, self._encoded[key])
        self._encoded.move_to_end(key)
        while len(self._encoded) > REMEMBERED:
            self._encoded.popitem(last=False)
        return self._encoded[key]

    def at_hand(self, record_id: str, locked: Locked) -> Encoded | None:
        """The last encoding of a record, preferably with these channels locked; None: none."""
        last = [e for (name, _), e in self._encoded.items() if name == record_id and not e.failure]
        return self._encoded.get(self.key(record_id, locked), last[-1] if last else None)
