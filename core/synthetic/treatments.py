"""The treatments of a synthetic screen: inactive, rescuing, toxic, and with side effects."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from core.domain import Role
from core.errors import LeighError
from core.synthetic.cells import DISEASED, HEALTHY, Phenotype

DOSES_UM = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# Shares of the treatments with one dose; all others rescue.
NULLS, TOXIC, SIDE_EFFECTS = 0.3, 0.15, 0.15
FEWEST = 4  # one of each kind
FEWER_CELLS, OFF_AXIS = "fewer cells", "off-axis"


@dataclass(frozen=True)
class Response:
    """Rescue against dose: the four-parameter logistic top / (1 + (ec50 / dose)^slope)."""

    top: float
    ec50_um: float
    slope: float

    def at(self, dose_um: float) -> float:
        """Rescue at this dose: 0 diseased, 1 healthy."""
        return float(self.top / (1 + (self.ec50_um / dose_um) ** self.slope))


RESPONSES = (Response(0.95, 0.5, 1.5), Response(0.6, 1.0, 2.0), Response(0.8, 0.3, 1.2))


@dataclass(frozen=True)
class Treatment:
    """The true effect of a compound at one dose; `condition` is its name after a scan."""

    condition: str
    compound: str
    dose_um: float | None
    role: Role
    kind: str  # "rescuing" | "null" | "toxic" | "side effect" | "control"
    rescue: float  # 0 diseased, 1 healthy
    phenotype: Phenotype
    flags: tuple[str, ...] = ()  # flags that a correct screen gives
    response: Response | None = None

    def row(self) -> dict[str, object]:
        """One line of truth.csv."""
        curve = dict.fromkeys(Response.__dataclass_fields__)
        if self.response:
            curve = asdict(self.response)
        truth = {
            "condition": self.condition,
            "compound": self.compound,
            "dose_um": self.dose_um,
            "role": str(self.role),
            "kind": self.kind,
            "rescue": self.rescue,
            "flags": "; ".join(self.flags),
        }
        return truth | curve | asdict(self.phenotype)


def draw_treatments(number: int, seed: int) -> tuple[Treatment, ...]:
    """Draw `number` treatments, where a compound at several doses counts once per dose.

    With 12 treatments or more, two compounds have 4 doses; with 24, 5 doses; with 40, three
    compounds have 6 doses. Names do not show the kind. Raises LeighError for fewer treatments than
    kinds.
    """
    if number < FEWEST:
        raise LeighError(
            f"{number} treatments are too few.", f"Ask for {FEWEST} or more: one of each kind."
        )
    compounds, doses = 0, 0
    if number >= 40:
        compounds, doses = 3, 6
    elif number >= 12:
        compounds, doses = 2, 5 if number >= 24 else 4
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
