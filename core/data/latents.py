"""The table of latents: what a classifier reads in every record."""

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from core.data.logit_coordinates import coordinates_of
from core.domain import FloatArray, ImageRecord, LatentTable, ModelCard


def latents_of(
    card: ModelCard, records: Sequence[ImageRecord], features: FloatArray, logits: FloatArray
) -> LatentTable:
    """Latents of records whose conditions are all in the card.

    Parameters
    ----------
    card
        The card of the network.
    records
        N records.
    features
        (N, F) features that the classifier reads.
    logits
        (N, K) logits.
    """
    names = card.condition_names
    return LatentTable(
        record_ids=tuple(r.id for r in records),
        conditions=names,
        truth=np.array([names.index(r.condition) for r in records], np.int64),
        split=tuple(card.part_of(r) for r in records),
        features=features,
        coordinates=coordinates_of(logits),
        logits=logits,
        probabilities=softmax(logits, axis=1).astype(np.float32),
        model_digest=card.digest,
    )
