"""Stands in for Colab's own module. Like there, it is imported before a notebook begins."""
