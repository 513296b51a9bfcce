"""Routines on whole arrays: reductions and scatters with edge cases that NumPy leaves open."""
