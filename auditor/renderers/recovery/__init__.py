"""The recovery analysis as text: its rows for tools, its matrix, its runbook and its comparison for people."""
