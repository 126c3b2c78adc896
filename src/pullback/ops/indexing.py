"""Picking elements and writing them: slices, integer arrays, masks."""
