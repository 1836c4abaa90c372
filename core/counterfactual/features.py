"""Compute the latents of every record: pooled features, logits and logit coordinates."""

from collections.abc import Sequence

import numpy as np
import torch

from core.data.batches import Reader
from core.data.latents import latents_of
from core.data.preprocessing import to_network
from core.domain import FloatArray, ImageRecord, LatentTable, ModelCard, Preprocessing
from core.models.iresnet import IResNet, pad_field
from core.progress import Progress, Report, silent


@torch.no_grad()
def read_features(
    model: IResNet,
    records: Sequence[ImageRecord],
    preprocessing: Preprocessing,
    read: Reader,
    report: Report = silent,
) -> FloatArray:
    """Raw features (N, F) of whole fields, before standardisation.

    Parameters
    ----------
    model
        The network.
    records
        N records.
    preprocessing
        From grey values to network input.
    read
        Reads a record (C Y X).
    report
        Receives the progress.
    """
    device = next(model.parameters()).device
    rows = []
    for i, record in enumerate(records):
        x, _ = pad_field(torch.from_numpy(to_network(preprocessing, read(record)))[None].to(device))
        rows.append(model.raw_features(x).cpu().numpy())
        report(Progress(i + 1, len(records), "Reading latents"))
    return np.concatenate(rows) if rows else np.zeros((0, model.feature_count), np.float32)


def encode_records(
    model: IResNet,
    card: ModelCard,
    records: Sequence[ImageRecord],
    read: Reader,
    report: Report = silent,
) -> LatentTable:
    """Latents of all records whose condition the model knows.

    Records of groups that are not in the card's split count as test records.

    Parameters
    ----------
    model, card
        The network and its card.
    records
        All records.
    read
        Reads a record (C Y X).
    report
        Receives the progress.
    """
    in_model = [r for r in records if r.condition in card.condition_names]
    raw = read_features(model, in_model, card.preprocessing, read, report)
    return latent_table(model, card, in_model, raw)


def latent_table(
    model: IResNet, card: ModelCard, records: Sequence[ImageRecord], raw: FloatArray
) -> LatentTable:
    """Latents from raw pooled features (N, F)."""
    mean, scale = model.feature_mean.cpu().numpy(), model.feature_scale.cpu().numpy()
    features = ((raw - mean) / scale).astype(np.float32)
    weight, bias = model.head.weight.detach().cpu().numpy(), model.head.bias.detach().cpu().numpy()
    logits = (features @ weight.T + bias).astype(np.float32)
    return latents_of(card, records, features, logits)
