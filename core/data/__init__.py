"""Images to network input and back: recipe, splits by group, batches, and synthetic cultures with
known truth.
"""
