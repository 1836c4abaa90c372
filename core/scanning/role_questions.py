"""Ask what control words of a plate map mean where they contradict the names of conditions."""

from core.domain import Question, QuestionKind, Role
from core.scanning.answers import Answers
from core.scanning.default_roles import guess_roles
from core.scanning.plate_map import CONTROL_WORDS, PlateMap

AS_WRITTEN, TURNED = "negative controls are diseased", "negative controls are healthy"


def role_questions(table: PlateMap | None, answers: Answers) -> tuple[Question, ...]:
    """A question where a condition such as WT is a negative control, which is read as diseased."""
    if table is None:
        return ()
    for condition, role in _controls(table).items():
        by_name = guess_roles([condition])[condition]
        if {by_name, role} == {Role.HEALTHY, Role.DISEASED}:
            if answers.choice(QuestionKind.ROLE, [AS_WRITTEN, TURNED]):
                return ()
            text = f"The plate map calls {condition} a control that is read as {role}. Is it?"
            return (Question(QuestionKind.ROLE, text, (AS_WRITTEN, TURNED)),)
    return ()


def turned_roles(table: PlateMap, answers: Answers) -> dict[str, Role]:
    """Condition -> role of the controls, if the answer is that negative controls are healthy."""
    other = {Role.HEALTHY: Role.DISEASED, Role.DISEASED: Role.HEALTHY}
    turned = {name: other[role] for name, role in _controls(table).items() if role in other}
    return turned if turned and answers.choice(QuestionKind.ROLE, [TURNED]) else {}


def _controls(table: PlateMap) -> dict[str, Role]:
    column = table.role_column
    if column is None:
        return {}
    return {
        row.condition: row.role
        for row in table.rows
        if row.role is not None and row.values[column].strip().lower().startswith(CONTROL_WORDS)
    }
