"""Texts for people, in both languages, from files."""
