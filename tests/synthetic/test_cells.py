from pathlib import Path

import numpy as np
import pytest

from core.errors import LeighError
from core.io.tiff import read_with_info
from core.synthetic.cells import DEMO_PHENOTYPES, DISEASED, HEALTHY, Phenotype, draw_cells, render
from core.synthetic.plate import PlateOptions, parse_conditions, write_plate


def test_one_seed_gives_one_culture_under_every_condition() -> None:
    assert np.array_equal(render(3, HEALTHY, 64), render(3, HEALTHY, 64))
    nuclei = [render(3, p, 96)[0] for p in (HEALTHY, DISEASED)]
    assert np.array_equal(*nuclei)  # the disease leaves the nuclei where they are
    assert not np.array_equal(render(4, HEALTHY, 96)[0], nuclei[0])


def test_shape_and_intensity_are_separate_factors() -> None:
    collapsed = Phenotype(mito_spread=0.2)
    totals = [
        [render(s, p, 128)[2].astype(float).mean() - 100 for s in range(6)]
        for p in (HEALTHY, collapsed)
    ]
    assert np.mean(totals[1]) == pytest.approx(np.mean(totals[0]), rel=0.1)
    dim = np.mean(
        [
            render(s, Phenotype(mito_intensity=0.5), 128)[2].astype(float).mean() - 100
            for s in range(6)
        ]
    )
    assert dim == pytest.approx(0.5 * np.mean(totals[0]), rel=0.1)


def test_a_toxic_treatment_kills_the_same_cells_every_time() -> None:
    before, after = render(5, HEALTHY, 128), render(5, Phenotype(survival=0.5), 128)
    dead = [c for c in draw_cells(5, 128) if c.life > 0.5]
    assert dead
    assert after[0].sum() < before[0].sum()


def test_plate_alternates_conditions_and_keeps_off_the_perimeter(tmp_path: Path) -> None:
    write_plate(tmp_path / "p", DEMO_PHENOTYPES, PlateOptions(wells=2, fields=1, size=32))
    files = sorted((tmp_path / "p").rglob("*.ome.tif"))
    assert len(files) == 12
    wells = [f.name.split("_")[1] for f in files]
    assert len(set(wells)) == 12
    assert all(w[0] in "BCDEFG" and 2 <= int(w[1:]) <= 11 for w in wells)
    rows = {f.parent.name: set() for f in files}
    for f in files:
        rows[f.parent.name].add(f.name.split("_")[1][0])
    assert all(len(r) == 2 for r in rows.values())  # never one row for one condition
    info = read_with_info(files[0])[1]
    assert info.channel_names == ("Nuclei", "Cytoskeleton", "Mitochondria")
    assert info.pixel_size_um == pytest.approx(0.65)


def test_unknown_conditions_and_full_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LeighError, match="Nonsense"):
        parse_conditions(["WT", "Nonsense"])
    assert parse_conditions(["X=0.5"])["X"].mito_intensity == pytest.approx(0.8)
    write_plate(tmp_path, parse_conditions(["WT"]), PlateOptions(wells=1, fields=1, size=32))
    with pytest.raises(LeighError, match="already holds images"):
        write_plate(tmp_path, parse_conditions(["WT"]), PlateOptions(wells=1, fields=1, size=32))
