"""From images to network input and back: preprocessing, splits by group, batches and features."""
