"""Write latents and records as .h5ad, the file format of scanpy."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.domain import FloatArray
from core.errors import LeighError
from core.io.atomic import replacing
from core.io.tables import plain


def write_h5ad(
    path: Path,
    features: FloatArray,
    obs: Mapping[str, Sequence[Any]],
    obsm: Mapping[str, FloatArray],
    provenance: Mapping[str, Any],
) -> Path:
    """Write an .h5ad file and return its path.

    Parameters
    ----------
    path
        The file.
    features
        (N, D), written as X.
    obs
        Columns of length N; `record` becomes the index.
    obsm
        Arrays (N, ..).
    provenance
        Stored as JSON in uns["leigh"].

    Raises
    ------
    LeighError
        Where anndata is not installed, or lengths differ.
    """
    try:
        import anndata
    except ImportError as fault:
        raise LeighError(
            "Writing .h5ad needs the package anndata, which is not installed.",
            "On Python 3.12 or newer: .uv/bin/uv pip install anndata (or pip install anndata).",
        ) from fault
    import pandas as pd

    rows = len(features)
    lengths = {name: len(values) for name, values in (*obs.items(), *obsm.items())}
    for name, length in lengths.items():
        if length != rows:
            raise LeighError(
                f"{name} has {length} rows where the features have {rows}.", "Encode again."
            )
    names = pd.Index([str(v) for v in obs.get("record", range(rows))], dtype=object)
    columns = {k: _column(v, names) for k, v in obs.items() if k != "record"}
    table = pd.DataFrame(columns, index=names)
    note = json.dumps(dict(provenance), ensure_ascii=False, default=plain)
    latent_names = [f"latent_{i}" for i in range(features.shape[1])]
    var = pd.DataFrame(index=pd.Index(latent_names, dtype=object))
    data = anndata.AnnData(X=features, obs=table, var=var, obsm=dict(obsm), uns={"leigh": note})
    with replacing(Path(path)) as temporary:
        data.write_h5ad(temporary)
    return Path(path)


def _column(values: Sequence[Any], index: Any) -> Any:
    """A column; text as plain objects, because not every anndata writes pandas' text type."""
    import pandas as pd

    text = any(isinstance(v, str) for v in values)
    return pd.Series(
        ["" if v is None else v for v in values] if text else list(values),
        index=index,
        dtype=object if text else None,
    )
