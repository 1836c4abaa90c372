"""Attribution maps: where a network looks, and checks of how far the maps can be trusted."""
