"""Where commands print: results, and everything else."""

from __future__ import annotations

from rich.console import Console

OUT = Console(soft_wrap=True, highlight=False, markup=False)
ERR = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
