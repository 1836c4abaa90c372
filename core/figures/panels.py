"""The kinds of figure panel."""

from core.figures.comparison_panel import ComparisonPanel
from core.figures.confusion_panel import ConfusionPanel
from core.figures.counterfactual_panel import CounterfactualPanel
from core.figures.map_panel import MapPanel
from core.figures.path_panel import PathPanel
from core.figures.ranking_panel import RankingPanel

Panel = CounterfactualPanel | MapPanel | PathPanel | ConfusionPanel | ComparisonPanel | RankingPanel
