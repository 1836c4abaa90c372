"""Which planes are offered first, whatever roles are known and in which order."""

from core.domain import Condition, Role
from core.latent_map.ternary_choices import default_plane, first_planes


def test_healthy_and_diseased_come_first_and_without_them_the_first_two() -> None:
    wt, ds = Condition("WT", role=Role.HEALTHY), Condition("DS", role=Role.DISEASED)
    a, b = Condition("A"), Condition("B")
    assert first_planes([a, ds, wt, b]) == [("WT", "DS", "A"), ("WT", "DS", "B")]
    assert first_planes([a, b, wt]) == [("WT", "A", "B")]
    assert first_planes([ds, a, b]) == [("DS", "A", "B")]
    assert first_planes([a, b, ds, Condition("C")]) == [("DS", "A", "B"), ("DS", "A", "C")]
    assert first_planes([wt, ds]) == []


def test_the_default_plane_has_the_treatment_in_hand() -> None:
    wt, ds = Condition("WT", role=Role.HEALTHY), Condition("DS", role=Role.DISEASED)
    known = [wt, ds, Condition("A"), Condition("B")]
    assert default_plane(known) == ("WT", "DS", "A")
    assert default_plane(known, "B") == default_plane(known, "WT", "B") == ("WT", "DS", "B")
    assert default_plane(known, "B", "A") == ("WT", "DS", "B")
    assert default_plane([wt, ds], "WT") == ()
