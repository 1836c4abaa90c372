"""The other side of the window: a process that holds the model and answers one request after the
other.
"""

from __future__ import annotations

import importlib
import signal
import time
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import Counterfactual
from core.errors import LeighError
from core.progress import Cancelled, Progress

EMPTY = np.empty((0, 0, 0), dtype=np.float32)
FIELDS = ("original", "image", "difference")
IDLE_S = 0.5  # without a question the session may prepare for the next
NEWS_S = 0.1  # between two words on how far an explanation is


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


def serve(connection: Connection, session_name: str) -> None:
    """Answer ("open" | method, number, arguments) until "quit" or until the window is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    session: Any = None
    sender = ImageSender()
    idle = False
    try:
        while True:
            if idle and not connection.poll(IDLE_S):
                idle = _prepare(session, connection)
                continue
            verb, number, arguments = connection.recv()
            if verb == "quit":
                break
            try:
                if verb == "open":
                    session, idle = None, False
                    folder, device = Path(arguments["folder"]), arguments.get("device", "auto")
                    session = _session_class(session_name)(folder, device, glances=True)
                    sender.close()
                    sender = ImageSender()
                    answer: Any = ("opened", str(session.device), str(session.no_evidence))
                elif verb == "warm":
                    _session_class(session_name)
                    answer = ("warm", None)
                else:
                    answer = _answer(session, verb, number, arguments, connection, sender)
                    idle = True
                connection.send(("done", number, answer))
            except Cancelled:
                connection.send(("cancelled", number, None))
            except LeighError as error:
                connection.send(("failed", number, (error.message, error.hint, "")))
            except Exception as error:
                text = f"The model could not do this: {error}"
                connection.send(
                    ("failed", number, (text, "Try another image.", traceback.format_exc()))
                )
    except (EOFError, OSError):
        pass
    finally:
        sender.close()


def _prepare(session: Any, connection: Connection) -> bool:
    """Whether there is more to do.

    What fails here fails again, with its words, when it is asked for.
    """
    try:
        return bool(session.prepare(connection.poll))
    except Exception:
        return False


def _session_class(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _answer(session: Any, verb: str, number: int, arguments: dict[str, Any], connection: Connection,
            sender: ImageSender) -> Any:  # fmt: skip
    if session is None:
        raise LeighError("No model is open.", "Open a project with a trained model.")
    if verb in ("path", "explain"):
        said = 0.0

        def report(progress: Progress) -> None:
            nonlocal said
            if connection.poll():  # something newer waits: these can be computed again later
                raise Cancelled
            if verb == "explain" and time.monotonic() - said > NEWS_S:
                said = time.monotonic()
                connection.send(("progress", number, progress))

        return verb, getattr(session, verb)(**arguments, report=report)
    return "picture", sender.pack(getattr(session, verb)(**arguments))
