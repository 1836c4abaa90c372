"""Where a network looks: attribution maps and checks of whether they mean anything."""
