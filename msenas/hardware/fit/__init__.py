"""Does a network fit a chip? `check` answers rule by rule; `restrict` narrows a search to what can fit."""

from msenas.hardware.fit.finding import Finding, Fit
from msenas.hardware.fit.restrict import restrict
from msenas.hardware.fit.rules import RULES, check

__all__ = ["RULES", "Finding", "Fit", "check", "restrict"]
