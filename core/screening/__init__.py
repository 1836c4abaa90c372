"""Statistics of a screen: wells on the disease axis, ranking, dose curves, audit."""
