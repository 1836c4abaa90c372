"""The process that holds the model: it answers one question of the window after the other."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import threading
import time
import traceback
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import Counterfactual
from core.errors import LeighError
from core.io.disk_errors import as_words
from core.progress import Cancelled, Progress, Report

log = logging.getLogger(__name__)
EMPTY = np.empty((0, 0, 0), dtype=np.float32)
FIELDS = ("original", "image", "difference")
IDLE_S = 0.5  # without a question the engine may prepare for the next
LAST_MOMENT_S = 1.0
NEWS_S = 0.1  # between two reports on the progress of an attribution


class ImageSender:
    """One block of shared memory that carries the pictures of the newest answer."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None
        self._sent_original = ""

    def pack(
        self, result: Counterfactual
    ) -> tuple[Counterfactual, str, tuple[tuple[str, tuple[int, ...]], ...]]:
        """The answer without pictures, the block's name, and what lies in it.

        The original is sent once per record.
        """
        fields = [f for f in FIELDS if f != "original" or result.record_id != self._sent_original]
        arrays = [
            (name, np.ascontiguousarray(getattr(result, name), dtype=np.float32)) for name in fields
        ]
        block = self._block(sum(a.nbytes for _, a in arrays))
        offset = 0
        for _, array in arrays:
            np.ndarray(array.shape, np.float32, block.buf, offset)[...] = array
            offset += array.nbytes
        self._sent_original = result.record_id
        light = replace(result, original=EMPTY, image=EMPTY, difference=EMPTY)
        return light, block.name, tuple((name, array.shape) for name, array in arrays)

    def close(self) -> None:
        """Give the memory back."""
        if self._memory is not None:
            self._memory.close()
            self._memory.unlink()
            self._memory = None

    def _block(self, size: int) -> SharedMemory:
        if self._memory is None or self._memory.size < size:
            self.close()
            self._memory = SharedMemory(create=True, size=max(size, 1))
        return self._memory


def unpack(light: Counterfactual, name: str, shapes: tuple[tuple[str, tuple[int, ...]], ...],
           original: np.ndarray | None) -> Counterfactual:  # fmt: skip
    """Copy the pictures out of shared memory; `original` is the one kept from an earlier answer."""
    block = SharedMemory(name=name)
    try:
        found: dict[str, Any] = {}
        offset = 0
        for field, shape in shapes:
            view = np.ndarray(shape, np.float32, block.buf, offset)
            found[field] = view.copy()
            offset += view.nbytes
            del view
    finally:
        block.close()
    found.setdefault("original", original if original is not None else EMPTY)
    return replace(light, **found)


def serve(connection: Connection, engine_name: str) -> None:
    """Answer (lane, number, question) until "quit" or until the window is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_window, name="leigh-window", daemon=True).start()
    server = _Server(connection, engine_name)
    try:
        while server.answer_next():
            pass
    except (EOFError, OSError):
        pass
    finally:
        server.sender.close()


def _end_with_window() -> None:
    """End this process, whatever it computes, when the process of the window is gone."""
    window = parent_process()
    if window is not None:
        wait([window.sentinel])
        time.sleep(LAST_MOMENT_S)  # an idle process ends by itself and tidies up
        os._exit(1)


class _Server:
    """The engine of the open project, and the way its answers go back."""

    def __init__(self, connection: Connection, engine_name: str) -> None:
        self.connection, self.engine_name = connection, engine_name
        self.sender = ImageSender()
        self.engine: Any = None
        self._idle = False  # an idle moment may be used to prepare for the next question

    def answer_next(self) -> bool:
        """Answer one question, or prepare for it; False at the end."""
        if self._idle and not self.connection.poll(IDLE_S):
            self._idle = self._prepare()
            return True
        lane, number, question = self.connection.recv()
        if lane == "quit":
            return False
        try:
            kind, answer = self._answer(lane, number, question)
            self.connection.send((kind, number, answer))
        except Cancelled:
            self.connection.send(("cancelled", number, None))
        except Exception as fault:
            error = as_words(fault)
            words = (f"The model could not do this: {error}", "Try another image.")
            details = traceback.format_exc()
            if isinstance(error, LeighError):
                words, details = (error.message, error.hint), ""
            self.connection.send(("failed", number, (*words, details)))
        return True

    def _answer(self, lane: str, number: int, question: Any) -> tuple[str, Any]:
        if lane == "open":
            return "done", self._open(*question)
        if lane == "warm":
            _engine_class(self.engine_name)
            return "done", None
        if self.engine is None:
            raise LeighError("No model is open.", "Open a project with a trained model.")
        self._idle = True
        if lane == "move":
            return "picture", self.sender.pack(self.engine.move(question))
        if lane == "path":
            return "done", self.engine.path(question, self._report_of(0))
        return "done", self.engine.explain(question, self._report_of(number))

    def _open(self, folder: str, device: str) -> tuple[str, str]:
        """Device, and why the evidence rests on the model alone."""
        self.engine, self._idle = None, False
        self.engine = _engine_class(self.engine_name)(Path(folder), device)
        self.sender.close()
        self.sender = ImageSender()
        return str(self.engine.device), str(self.engine.evidence.missing)

    def _report_of(self, number: int) -> Report:
        """Gives up as soon as something newer waits; reports progress under a number above 0."""
        said = 0.0

        def report(progress: Progress) -> None:
            nonlocal said
            if self.connection.poll():
                raise Cancelled
            if number and time.monotonic() - said > NEWS_S:
                said = time.monotonic()
                self.connection.send(("progress", number, progress))

        return report

    def _prepare(self) -> bool:
        """Whether there is more to do.

        A failure here comes back, with its words, when the image is asked for.
        """
        try:
            return bool(self.engine.prepare(self.connection.poll))
        except Exception:
            log.debug("An image could not be prepared.", exc_info=True)
            return False


def _engine_class(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
