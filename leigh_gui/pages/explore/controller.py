"""What happens on the Explore page: the view says what is wanted, the model process answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from core.domain import (
    ORIGINAL,
    Answer,
    CounterfactualPath,
    MapPosition,
    Move,
    PathRequest,
    Precision,
)
from core.domain.limits import PATH_FRAMES
from leigh_gui.pages.explore.gestures import Gestures
from leigh_gui.services.background import Background
from leigh_gui.services.inference_client import InferenceClient
from leigh_gui.services.thumbnails import read_image
from leigh_gui.state import AppState

if TYPE_CHECKING:
    import numpy as np

    from core.domain import ImageRecord

REST_MS = 50  # without a move the pointer rests; a preview is to be replaced within 300 ms


class ExploreControl(QObject):
    """Asks for the move of the view and puts the answers into the state. One per window."""

    path_changed = Signal()
    busy_changed = Signal(bool)

    def __init__(
        self, state: AppState, client: InferenceClient, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state, self.client = state, client
        self.gestures = Gestures(state)
        self.path: CounterfactualPath | None = None
        self._path_of: PathRequest | None = None
        self._record_id = ""  # the image that `state.answer` and `state.original` are of
        self._background = Background(self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._connect()

    def _connect(self) -> None:
        self.state.view_changed.connect(self._on_view)
        self.state.model_changed.connect(self._on_model)
        self.client.opened.connect(self._on_opened)
        self.client.answered.connect(self._on_answered)
        self.client.path_found.connect(self._on_path_found)
        self.client.busy_changed.connect(self.busy_changed)
        self._rest.timeout.connect(self._on_rest)

    def waits(self) -> bool:
        """Whether the image on show is not the wanted one.

        In a drag the next image follows at once, unless the process is gone.
        """
        view, answer = self.state.view, self.state.answer
        if answer is None or answer.move.record_id != view.current:
            return False
        return self.is_pending() and not (view.dragging and self.client.ready)

    def is_pending(self) -> bool:
        """Whether the exact image of the wanted move is not there yet."""
        view = self.state.view
        wanted = replace(view.move, precision=Precision.EXACT)
        return bool(view.current) and next_move(wanted, self.state.answer) is not None

    def _on_model(self) -> None:
        self._rest.stop()
        self._record_id = ""
        self._set_path(None, None)
        if self.state.ready_to_explore and self.state.project is not None:
            self.client.open(self.state.project.folder)

    def _on_opened(self) -> None:
        """After a restart the last move is asked again; the image on show stays meanwhile."""
        answer, view = self.state.answer, self.state.view
        if answer is None or answer.move.record_id != view.current or self._record_id == "":
            self._record_id = ""
            self._on_view()
        elif self.client.wanted != view.move:
            self.client.want(view.move)

    def _on_view(self) -> None:
        move = self.state.view.move
        record = self.state.record(move.record_id)
        if move.record_id != self._record_id:
            self._record_id = move.record_id
            self.state.set_answer(None)
            self.state.set_original(None)
            if record is not None:
                self._read_original(record)
        if move.precision == Precision.PREVIEW:
            self._rest.start()
        else:
            self._rest.stop()
        self._drop_path()
        self._ask()

    def _ask(self) -> None:
        """Ask for what the view wants, unless it is on show or asked for already."""
        wanted = self.state.view.move
        if self.client.ready and self.state.record(wanted.record_id) is not None:
            move = next_move(wanted, self.state.answer)
            if move != self.client.wanted:
                self.client.want(move)

    def _on_rest(self) -> None:
        """The pointer rests while a handle is pressed: replace the preview by a better image."""
        move, answer = self.state.view.move, self.state.answer
        if move.precision > Precision.PREVIEW:
            return
        good = answer is not None and answer.result.precision > Precision.PREVIEW
        if answer is None or answer.move != move or not good:
            self.state.drag(replace(move, precision=Precision.DISPLAY))

    def _on_answered(self, answer: Answer) -> None:
        self.state.set_answer(answer)
        self._drop_path()
        self._ask()
        request = self._path_request()
        exact = answer.move == self.state.view.move and answer.move.precision == Precision.EXACT
        if exact and answer.result.valid and request is not None:
            self._follow(request)

    def _follow(self, request: PathRequest) -> None:
        """Ask for the frames of a path first, and then for its crossings."""
        if self.path is None or self._path_of != request:
            self.client.follow(request)
        elif not self.path.exact:
            self.client.follow(replace(request, exact=True))

    def _path_request(self) -> PathRequest | None:
        """The path that belongs to the view; None while the handle is dragged."""
        view, mix = self.state.view, self.state.mix
        if not view.current or not mix.weights or (view.dragging and view.position is not None):
            return None
        locked = view.move.locked
        return PathRequest(view.current, mix.direction, locked, PATH_FRAMES, exact=False)

    def _on_path_found(self, request: PathRequest, path: CounterfactualPath) -> None:
        asked = replace(request, exact=False)
        if asked == self._path_request():
            self._set_path(asked, path)
            self._follow(asked)

    def _drop_path(self) -> None:
        if self.path is not None and self._path_of != self._path_request():
            self._set_path(None, None)

    def _set_path(self, request: PathRequest | None, path: CounterfactualPath | None) -> None:
        self._path_of, self.path = request, path
        self.path_changed.emit()

    def _read_original(self, record: ImageRecord) -> None:
        dataset = self.state.project.dataset if self.state.project else None
        if dataset is None:
            return

        def done(image: np.ndarray) -> None:
            if self.state.view.current == record.id:
                self.state.set_original(image)

        self._background.run(lambda: read_image(dataset, record), done, _raise)


def next_move(wanted: Move, answer: Answer | None) -> Move | None:
    """What to ask for next; None where the answer is the wanted one.

    A new image comes first as it is: that is quick, and pays for the inverse of all its moves.
    """
    if answer is None or answer.move.record_id != wanted.record_id:
        return Move(wanted.record_id, ORIGINAL, wanted.locked, Precision.DISPLAY)
    stays = not isinstance(wanted.goal, MapPosition) and wanted.goal.strength == 0
    if stays and answer.move.goal == ORIGINAL and answer.move.locked == wanted.locked:
        return None
    return None if answer.move == wanted else wanted


def _raise(error: Exception) -> None:
    raise error  # to the error bar, with its own words
