"""Templates in files and folders: what there is to audit, with what parameters, and everything it reaches for.

`entries` yields each template that is deployed, ready to be evaluated. `walk` and `kinds` find files and tell what they
are, `tree` tells what is deployed with what, `survey` does so for all targets; `loading` and `registry` give templates
their modules within the `jail`, `azd` fills in placeholders.
"""

from auditor.sources.files.loading import Loader
from auditor.sources.files.survey import Entry, Survey, entries, read_snapshot
from auditor.sources.files.tree import EntryPoint

__all__ = ["Entry", "EntryPoint", "Loader", "Survey", "entries", "read_snapshot"]
