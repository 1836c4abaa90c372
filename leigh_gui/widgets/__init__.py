"""The pieces the pages are made of: pictures, map, sliders, cards.

They show values and emit signals.
"""
