"""The treatments of a synthetic screen: nulls, rescuers, compounds at several doses, poisons and
side effects.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np

from core.domain import Role
from core.errors import LeighError
from core.synthetic.cells import DISEASED, HEALTHY, Phenotype

DOSES_UM = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
NULLS, TOXIC, SIDE_EFFECTS = (
    0.3,
    0.15,
    0.15,
)  # shares of the treatments given at one dose; the rest rescue
FEWEST = 4  # one of each kind
FEWER_CELLS, OFF_AXIS = "fewer cells", "off-axis"


@dataclass(frozen=True)
class Response:
    """Rescue against dose: top / (1 + (ec50 / dose)^slope), the four-parameter logistic with its
    bottom at 0.
    """

    top: float
    ec50_um: float
    slope: float

    def at(self, dose_um: float) -> float:
        """Share of the way from diseased to healthy at this dose."""
        return float(self.top / (1 + (self.ec50_um / dose_um) ** self.slope))


RESPONSES = (Response(0.95, 0.5, 1.5), Response(0.6, 1.0, 2.0), Response(0.8, 0.3, 1.2))


@dataclass(frozen=True)
class Treatment:
    """What one compound at one dose truly does. `condition` is the name that a scan gives it."""

    condition: str
    compound: str
    dose_um: float | None
    role: Role
    kind: str  # "rescuing" | "null" | "toxic" | "side effect" | "control"
    rescue: float  # 0 diseased, 1 healthy
    phenotype: Phenotype
    flags: tuple[str, ...] = ()  # what an honest screen says of it
    response: Response | None = None

    def row(self) -> dict[str, object]:
        """One line of truth.csv."""
        curve = (
            asdict(self.response) if self.response else dict.fromkeys(Response.__dataclass_fields__)
        )
        reported = {
            "condition": self.condition,
            "compound": self.compound,
            "dose_um": self.dose_um,
            "role": str(self.role),
        }
        reported |= {"kind": self.kind, "rescue": self.rescue, "flags": "; ".join(self.flags)}
        return reported | curve | asdict(self.phenotype)


def draw_treatments(number: int, seed: int) -> tuple[Treatment, ...]:
    """So many treatments, a compound at several doses counted once per dose. Names say nothing of
    the kind.

    From 12 on, two compounds come at 4 doses; from 24 on at 5; from 40 on, three at 6.
    Raises LeighError below one of each kind.
    """
    if number < FEWEST:
        raise LeighError(
            f"{number} treatments are too few.", f"Ask for {FEWEST} or more: one of each kind."
        )
    compounds, doses = (
        (3, 6) if number >= 40 else (2, 5) if number >= 24 else (2, 4) if number >= 12 else (0, 0)
    )
    singles = number - compounds * doses
    nulls, toxic, side = (max(1, round(singles * share)) for share in (NULLS, TOXIC, SIDE_EFFECTS))
    drawn: list[tuple[Treatment, ...]] = [(_made("null", 0.0, DISEASED),)] * nulls
    for survival in np.linspace(0.5, 0.7, toxic).tolist():
        poisoned = replace(DISEASED, survival=survival, nucleus=0.8)
        drawn.append((_made("toxic", 0.0, poisoned, FEWER_CELLS, OFF_AXIS),))
    for i, rescue in enumerate(np.linspace(0.7, 0.0, side).tolist()):
        aside = {"cytoskeleton": 1.6} if i % 2 == 0 else {"nucleus": 1.3}
        changed = replace(DISEASED.toward(HEALTHY, rescue), **aside)
        drawn.append((_made("side effect", rescue, changed, OFF_AXIS),))
    for rescue in np.linspace(1.0, 0.15, singles - nulls - toxic - side).tolist():
        drawn.append((_made("rescuing", rescue, DISEASED.toward(HEALTHY, rescue)),))
    for response in RESPONSES[:compounds]:
        drawn.append(tuple(_dosed(response, dose) for dose in DOSES_UM[-doses:]))
    digits = len(str(len(drawn)))
    order = np.random.default_rng([seed, 10]).permutation(len(drawn)).tolist()
    return tuple(
        _named(t, f"Drug {n:0{digits}d}") for n, i in enumerate(order, start=1) for t in drawn[i]
    )


def _made(kind: str, rescue: float, phenotype: Phenotype, *flags: str) -> Treatment:
    return Treatment("", "", None, Role.TREATED, kind, rescue, phenotype, flags)


def _dosed(response: Response, dose_um: float) -> Treatment:
    rescue = response.at(dose_um)
    made = _made("rescuing", rescue, DISEASED.toward(HEALTHY, rescue))
    return replace(made, dose_um=dose_um, response=response)


def _named(treatment: Treatment, compound: str) -> Treatment:
    dose = treatment.dose_um
    return replace(
        treatment,
        compound=compound,
        condition=compound if dose is None else f"{compound} {dose:g} µM",
    )
