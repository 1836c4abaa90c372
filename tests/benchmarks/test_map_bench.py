"""`leigh bench map` in small on the demo: the keys of the contract, and figures that cannot be by
chance.
"""

import pytest

from benchmarks import map as bench
from benchmarks import map_drags

KEYS = {
    "fidelity_heldout", "misclassified_right_side", "void_confident_cells", "quadtree_speedup",
    "quadtree_mismatch",
    "new_point_ms", "permuted_label_purity", "drag_class_agreement", "reencoded_agreement",
}  # fmt: skip


@pytest.mark.long
def test_the_map_of_the_demo_says_what_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in (("FINE", 128), ("SHUFFLES", 1)):
        monkeypatch.setattr(bench, name, small)
    for name, small in (("DRAGGED", 2), ("PLACES", 2), ("PLANES", 1), ("PLANE_DRAGGED", 2)):
        monkeypatch.setattr(map_drags, name, small)
    monkeypatch.setattr(bench, "_typicality", lambda *_: 1.0)  # solves sixteen images
    found = bench.bench_map()
    assert found.keys() >= KEYS
    assert found["fidelity_heldout"] >= 0.95 and found["fidelity_points"] == 60
    assert found["plane_fidelity"] >= 0.95 and found["plane_fidelity_among_three"] == 1
    assert found["at_once_fidelity"] >= 0.95 and found["at_once_ms"] < found["fitted_ms"]
    assert found["void_confident_cells"] == 0 and found["quadtree_mismatch"] < 0.01
    assert found["permuted_label_purity"] < 0.4 and found["permuted_label_chance"] < 0.2
    assert found["moved_by_new_images"] == 0 and found["same_seed_same_map"]
    assert found["grab_change"] == 0 and found["drag_class_agreement"] == 1
    assert found["reencoded_agreement"] >= 0.75 and 0 < found["nudge_change"] < 0.01
    assert found["drags"] == 4 and 0 <= found["landing_distance"] < 0.5
    assert found["plane_drags"] == 4 and found["plane_reencoded_agreement"] >= 0.75
    assert found["plane_named_agreement"] == 1 and 0 <= found["plane_exaggerated"] <= 1
