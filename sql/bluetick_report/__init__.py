"""The report: one HTML file with the figures of a window, for people who do not write SQL."""
