"""Collects panels for the figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

    from core.domain import PanelSpec
    from leigh_gui.navigation import Navigation
    from leigh_gui.services.backstage import Backstage

NOT_YET = "The picture that you asked for is still being computed."


class Collector(QObject):
    """Adds what is on show to the panels of the project, with a picture for the list."""

    reported = Signal(str)

    def __init__(self, backstage: Backstage, navigation: Navigation) -> None:
        super().__init__(navigation)
        self.backstage, self.navigation = backstage, navigation
        navigation.factory.panel_asked.connect(self.add)
        navigation.factory.collected.connect(self.collect)

    def add(self, kind: str) -> None:
        """A panel of what the Explore page shows."""
        from leigh_gui.pages.explore.panel_specs import panel_spec

        if self.backstage.state.project is None:
            return
        spec = panel_spec(self.backstage.state, kind)
        shows_a_move = kind in ("counterfactual", "path") or (spec is not None and spec.record_id)
        if shows_a_move and self.navigation.factory.control.is_pending():
            self.backstage.bus.tell(NOT_YET, "Collect it when it is there.")
            return
        if spec is None:
            self.backstage.bus.tell(
                "There is nothing to collect yet.", "Click an image on the map and move it first."
            )
            return
        explore: Any = self.navigation.page("explore")
        pictures = {
            "map": explore.map.grab,
            "path": explore.picture.path.grab,
            "counterfactual": explore.picture.thumbnail,
        }
        self.collect(spec, pictures[kind]() if kind in pictures else None)

    def collect(self, spec: PanelSpec, picture: QPixmap | None = None) -> None:
        """Add a panel, with what it looked like."""
        project = self.backstage.state.project
        if project is None:
            return
        page: Any = self.navigation.page("figure")
        if picture is not None:
            page.set_picture(spec, picture)
        panels = (*project.panels, spec)
        self.backstage.state.edit_project(replace(project, panels=panels), "Add to figure")
        self.reported.emit("Added to the figure.")
